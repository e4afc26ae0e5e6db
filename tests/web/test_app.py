"""What the paths answer: metrics that stay fresh and cheap, probes that name what is wrong, exact JSON."""

from dataclasses import replace
from urllib.parse import quote

import pytest

from fusewatch.errors import StoreBusy
from fusewatch.web.telemetry import Outcome
from tests.web.pictures import BUSY, QUIET, RULES, Daemon, asked, budget, get, request, usd

METRICS = "text/plain; version=0.0.4; charset=utf-8"


def test_metrics_are_served_as_prometheus_expects_them() -> None:
    answer = get(Daemon(), "/metrics")
    assert answer.headers["content-type"] == METRICS
    assert "llm_cost_dollars_total{" in answer.text


def test_while_nothing_happens_scrapes_within_five_seconds_share_one_picture() -> None:
    daemon = Daemon()
    app = daemon.app()
    first = asked(app, request("/metrics"))[0]
    daemon.clock.at_ms += 4_900
    ours, _, process = first.text.partition("# HELP process_")
    assert "process_resident_memory_bytes" in process
    assert asked(app, request("/metrics"))[0].text.startswith(ours)
    assert daemon.pictures_taken == 1


def test_after_five_seconds_lag_has_grown_although_nothing_was_written() -> None:
    daemon = Daemon()
    app = daemon.app()
    assert 'fusewatch_data_lag_seconds{project="shop"} 14.5\n' in asked(app, request("/metrics"))[0].text
    daemon.clock.at_ms += 5_000
    assert 'fusewatch_data_lag_seconds{project="shop"} 19.5\n' in asked(app, request("/metrics"))[0].text


def test_a_write_to_the_ledger_shows_in_the_very_next_scrape() -> None:
    daemon = Daemon()
    app = daemon.app()
    asked(app, request("/metrics"))
    more = BUSY.counters[1]._replace(requests=901)
    daemon.picture = replace(BUSY, version=8, counters=(BUSY.counters[0], more))
    assert " 901\n" in asked(app, request("/metrics"))[0].text
    assert daemon.pictures_taken == 2


def test_what_the_process_counted_shows_at_once_and_needs_no_new_picture() -> None:
    daemon = Daemon()
    app = daemon.app()
    asked(app, request("/metrics"))
    daemon.telemetry.notification("pager", Outcome.SENT)
    text = asked(app, request("/metrics"))[0].text
    assert 'fusewatch_notifications_total{destination="pager",outcome="sent",reason=""} 1\n' in text
    assert daemon.pictures_taken == 1


def test_reloaded_rules_show_at_once() -> None:
    daemon = Daemon()
    app = daemon.app()
    asked(app, request("/metrics"))
    daemon.rules = replace(RULES, budgets=(replace(RULES.budgets[0], name="renamed"),))
    assert 'fusewatch_incidents_open{rule="renamed",severity="critical"} 0\n' in asked(app, request("/metrics"))[0].text


def test_the_page_and_the_api_show_the_picture_of_the_metrics() -> None:
    daemon = Daemon()
    asked(daemon.app(), request("/metrics"), request("/"), request("/api/v1/budgets"), request("/api/v1/spend"))
    assert daemon.pictures_taken == 1


# ---------------------------------------------------------------- probes


def test_the_daemon_is_alive_while_its_loops_are() -> None:
    answer = get(Daemon(), "/healthz")
    assert (answer.status_code, answer.text) == (200, "ok\n")


def test_a_dead_loop_is_named_by_the_liveness_probe() -> None:
    daemon = Daemon(dead_loops=["assess ended", "ingest shop has been silent for 130 s"])
    answer = get(daemon, "/healthz")
    assert (answer.status_code, answer.text) == (503, "assess ended\ningest shop has been silent for 130 s\n")


def test_an_unusable_database_makes_it_not_ready_but_leaves_it_alive() -> None:
    daemon = Daemon(not_ready=["the database cannot be written"], trouble=StoreBusy("locked"))
    health, ready = asked(daemon.app(), request("/healthz"), request("/readyz"))
    assert health.status_code == 200
    assert (ready.status_code, ready.text) == (503, "the database cannot be written\n")


def test_neither_probe_minds_an_unreadable_langfuse_or_a_dead_destination() -> None:
    assert BUSY.projects[1].failing_since_ms is not None
    assert BUSY.deliveries["pager", "dead"] == 1
    health, ready = asked(Daemon(picture=BUSY).app(), request("/healthz"), request("/readyz"))
    assert [health.status_code, ready.status_code] == [200, 200]


# ---------------------------------------------------------------- the API


def test_budgets_come_worst_first_with_money_as_exact_decimals() -> None:
    body = get(Daemon(), "/api/v1/budgets?order=largest").json()
    assert [row["budget"] for row in body["budgets"][:3]] == ["user-tokens", "each-feature", "all-llm"]
    assert body["budgets"][1] == {
        "budget": "each-feature",
        "group": "feature=summarization",
        "key": {"feature": "summarization"},
        "every": "day",
        "unit": "usd",
        "limit": "75",
        "spent": "75.200000000001",
        "estimated_usd": "3.5",
        "forecast": "107.9",
        "forecast_low": "97.11",
        "forecast_high": "118.69",
        "forecast_basis": "pace",
        "crosses_at": None,
        "used_ratio": pytest.approx(1.00266666, rel=1e-6),
        "resets_at": "2026-11-24T23:00:00.000Z",
        "standing": "ready",
    }
    assert body["at"] == "2026-11-24T15:42:08.000Z"
    assert body["data_as_of"] == {"shop": "2026-11-24T15:41:53.500Z", "labs": "2026-11-24T15:25:08.000Z"}
    assert body["total"] == len(BUSY.budgets)


def test_a_limit_of_nothing_has_no_ratio_in_json_which_knows_no_infinity() -> None:
    body = get(Daemon(picture=replace(BUSY, budgets=(budget("none", 0, 1),))), "/api/v1/budgets").json()
    assert body["budgets"][0]["used_ratio"] is None
    assert body["budgets"][0]["spent"] == "0.000000000001"


def test_the_asked_number_of_rows_comes_and_the_total_stays() -> None:
    body = get(Daemon(), "/api/v1/budgets?limit=2").json()
    assert (len(body["budgets"]), body["total"]) == (2, len(BUSY.budgets))
    for wrong in ("0", "-1", "many", "1001", "1.0", " 1"):
        answer = get(Daemon(), f"/api/v1/budgets?limit={quote(wrong)}")
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"].startswith("query.limit: ")


def test_incidents_say_what_was_crossed_and_when() -> None:
    body = get(Daemon(), "/api/v1/incidents").json()
    assert body["open_total"] == 3
    first = body["incidents"][0]
    assert (first["rule"], first["severity"], first["measured"], first["limit"]) == (
        "each-feature",
        "critical",
        "75.200000000001",
        "75",
    )
    assert [crossing["share"] for crossing in first["crossings"]] == [0.8, 1.0]
    assert body["incidents"][1]["baseline"] == "9"
    assert body["incidents"][2]["detail"] == BUSY.projects[1].failure_text


def test_spend_is_told_by_label_and_in_all_and_the_sum_is_exact() -> None:
    body = get(Daemon(), "/api/v1/spend?limit=1&order=largest").json()
    labels = {"project": "shop", "feature": "summarization", "team": "content", "model": "gpt-4o", "operation": "chat"}
    assert body["spend"] == [
        {
            "labels": labels,
            "day_usd": "75.200000000001",
            "month_usd": "301.5",
            "day_estimated_usd": "3.5",
            "month_estimated_usd": "4.25",
        }
    ]
    assert (body["day_estimated_usd"], body["month_estimated_usd"]) == ("3.5", "4.25")
    assert (body["day_usd"], body["month_usd"], body["total"]) == ("88.000000000001", "392.520000000001", 3)


def test_names_with_half_a_surrogate_do_not_break_the_json() -> None:
    picture = replace(BUSY, budgets=(budget("b", usd("1"), usd("1"), feature="a\udcff"),))
    assert get(Daemon(picture=picture), "/api/v1/budgets").json()["budgets"][0]["key"] == {"feature": "a\\udcff"}


def test_the_api_describes_itself() -> None:
    schema = get(Daemon(), "/api/v1/openapi.json").json()
    assert {path: set(methods) for path, methods in schema["paths"].items()} == {
        "/api/v1/budgets": {"get"},
        "/api/v1/deliveries": {"get"},
        "/api/v1/deliveries/{delivery_id}/revive": {"post"},
        "/api/v1/incidents": {"get"},
        "/api/v1/incidents/{incident_id}": {"get"},
        "/api/v1/incidents/{incident_id}/acknowledge": {"post"},
        "/api/v1/spend": {"get"},
        "/api/v1/reload": {"post"},
        "/api/v1/why": {"get"},
        "/api/v1/silences": {"get", "post"},
        "/api/v1/silences/{silence_id}": {"delete"},
    }
    schemes = schema["components"]["securitySchemes"]
    assert {name: one["scheme"] for name, one in schemes.items()} == {"ReadToken": "bearer", "ChangeToken": "bearer"}
    assert schema["components"]["schemas"]["BudgetBody"]["properties"]["spent"]["type"] == "string"


def test_a_quiet_daemon_answers_with_empty_lists() -> None:
    body = get(Daemon(picture=QUIET), "/api/v1/incidents").json()
    assert (body["incidents"], body["open_total"]) == ([], 0)
