"""The Grafana dashboard: every query of it, asked of a real Prometheus that scrapes a real daemon, has an answer."""

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fusewatch.demo.standin import Span, StandinServer, Store
from tests.operations.prometheus import Prometheus, running
from tests.operations.shipped import CONFIG, RULE_FILES, document, exposed, families, metrics_of, rules
from tests.process.home import Home, noon_zone, now_ms, spend, wait_for
from tests.process.receiver import Receiver

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

DASHBOARD: dict[str, Any] = json.loads((CONFIG / "grafana" / "fusewatch.json").read_text(encoding="utf-8"))
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
TARGETS: list[tuple[str, dict[str, Any]]] = [(panel["title"], one) for panel in PANELS for one in panel["targets"]]
VARIABLES = {"$__rate_interval": "1m", "$project": ".*", "$feature": ".*"}
DAY_S = 86_400.0

BUDGETS = """\
version: 1
timezone: {zone}
history: 9d
budgets:
  - {{name: each-feature, each: [feature], limit: $10, every: day}}
  - {{name: all-llm, limit: $500, every: month, forecast: true}}
  - {{name: user-tokens, each: [user], limit: 1k tokens, every: day}}
spikes:
  - {{name: twice, each: [feature], factor: 2, floor: $1, baseline: {{days: 7, at_least: 3}}}}
prices:
  - {{match: "^my-ft-", input: 3.00, output: 15.00, per: 1M}}
destinations:
  hook: {{type: webhook, url: "{hook}/hook"}}
notify: [hook]
"""


def asked(query: str) -> str:
    """The query with Grafana's variables filled in, without its answer for nothing; unknown variables fail."""
    query = query.removesuffix(" or vector(0)")
    for name, value in VARIABLES.items():
        query = query.replace(name, value)
    assert "$" not in query, query
    return query


def unpriced() -> Span:
    """A generation of a model that Langfuse cannot price and the budget file can."""
    return replace(spend("1", feature="tuned"), model="my-ft-1", cost={})


def traffic() -> list[Span]:
    past = [spend("2", feature=name, ago_s=day * DAY_S) for day in range(1, 8) for name in ("chat", "search")]
    today = [spend("1", feature="chat", ago_s=60.0 * minute) for minute in range(1, 13)]
    nobody = replace(spend("1"), metadata={}, name="", user_id="ana")
    return [*past, *today, unpriced(), nobody]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus with all our rules, once it saw a daemon load, grow and tell."""
    folder = tmp_path_factory.mktemp("dashboard")
    with StandinServer(Store(), now_ms=now_ms) as langfuse, Receiver() as receiver:
        langfuse.store.add(traffic())
        home = Home.make(folder, langfuse.url)
        home.write(BUDGETS.format(zone=noon_zone(), hook=receiver.url))
        try:
            daemon = home.run()
            wait_for(lambda: daemon.events("history_loaded"), "the first load", 60)
            with running(folder / "prometheus", daemon.url.removeprefix("http://"), RULE_FILES) as prometheus:
                wait_for(lambda: prometheus.ready, "Prometheus is ready", 60)
                wait_for(lambda: prometheus.series("llm_cost_dollars_total"), "the first scrape", 60)
                langfuse.store.add([spend("1", feature="chat"), spend("1", feature="search"), unpriced()])
                wait_for(lambda: prometheus.series("increase(llm_requests_total[1m]) > 0"), "growth is seen", 60)
                yield prometheus
        finally:
            home.end()


# ---------------------------------------------------------------- against the real thing


@pytest.mark.parametrize(("title", "target"), TARGETS, ids=[f"{title} {one['refId']}" for title, one in TARGETS])
def test_every_query_has_an_answer_with_the_labels_of_its_legend(
    answers: Prometheus, title: str, target: dict[str, Any]
) -> None:
    query = asked(target["expr"])
    wait_for(lambda: answers.series(query), f"data for {title}: {query}", 60)
    wanted = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
    assert wanted <= set(itertools.chain.from_iterable(answers.series(query))), title


@pytest.mark.parametrize("name", ["project", "feature"])
def test_every_variable_has_values(answers: Prometheus, name: str) -> None:
    (variable,) = (one for one in DASHBOARD["templating"]["list"] if one["name"] == name)
    matched = re.fullmatch(r"label_values\((.+), (\w+)\)", asked(variable["query"]["query"]))
    assert matched is not None
    assert answers.get(f"label/{matched[2]}/values", **{"match[]": matched[1]})
    assert variable["allValue"] == ".*"


def test_every_rule_evaluates_and_every_recording_has_data(answers: Prometheus) -> None:
    wanted = {rule.get("alert") or rule["record"] for _, rule in rules()}

    def evaluated() -> dict[str, str]:
        groups = answers.get("rules")["groups"]
        return {
            rule["name"]: rule["lastError"] if "lastError" in rule else rule["health"]
            for group in groups
            for rule in group["rules"]
        }

    wait_for(lambda: set(evaluated().values()) == {"ok"}, "every rule was evaluated", 100)
    assert evaluated().keys() == wanted
    for recorded in (rule for _, rule in rules() if "record" in rule):
        assert answers.get("query", query=recorded["expr"])["result"], recorded["record"]


def test_of_a_healthy_daemon_nothing_is_told_but_its_budgets(answers: Prometheus) -> None:
    wait_for(lambda: answers.series('ALERTS{alertname="LLMBudgetExceeded"}'), "the crossing fires", 60)
    told = {labels["alertname"] for labels in answers.series('ALERTS{alertstate="firing"}')}
    assert {name for name in told if not name.startswith("LLM")} == set()


# ---------------------------------------------------------------- the file itself


def test_the_dashboard_asks_only_for_metrics_that_exist() -> None:
    assert {name for _, target in TARGETS for name in metrics_of(target["expr"])} <= exposed()


def test_nearly_every_metric_is_on_the_dashboard() -> None:
    shown = {name for _, target in TARGETS for name in metrics_of(target["expr"])}
    hidden = {name for name in families() if not any(one.startswith(name) for one in shown)}
    elsewhere = (
        "fusewatch_budget_",
        "fusewatch_spike_",
    )  # the same in other units, the ends of ranges, the worst of all
    assert {name for name in hidden if not name.startswith(elsewhere)} == {
        "fusewatch_counter_debt_dollars",
        "fusewatch_config_last_reload_success_timestamp_seconds",
    }


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_every_panel_says_what_it_shows_in_a_unit_and_asks_the_chosen_prometheus(panel: dict[str, Any]) -> None:
    assert panel["description"]
    assert panel["fieldConfig"]["defaults"]["unit"]
    source = {"type": "prometheus", "uid": "${datasource}"}
    assert panel["datasource"] == source
    assert [target["datasource"] for target in panel["targets"]] == [source] * len(panel["targets"])
    references = [target["refId"] for target in panel["targets"]]
    assert len(set(references)) == len(references)


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    for place in (panel["gridPos"] for panel in DASHBOARD["panels"]):
        assert place["x"] + place["w"] <= 24
        cells = set(
            itertools.product(range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"]))
        )
        assert not taken & cells, place
        taken |= cells


def test_the_provisioned_source_is_a_prometheus_and_the_provider_reads_a_folder() -> None:
    provisioning = CONFIG / "grafana" / "provisioning"
    (source,) = document(provisioning / "datasources" / "prometheus.yml")["datasources"]
    assert source["type"] == "prometheus"
    scraped = document(CONFIG / "prometheus" / "prometheus.yml")["global"]["scrape_interval"]
    assert source["jsonData"]["timeInterval"] == scraped
    (provider,) = document(provisioning / "dashboards" / "fusewatch.yml")["providers"]
    assert (provider["type"], Path(provider["options"]["path"]).is_absolute()) == ("file", True)
