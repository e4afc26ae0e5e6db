"""What an Alertmanager is told: labels that stay, texts, and when alerts end."""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusewatch.domain.notices import Incident, Kind, State, Timing
from fusewatch.domain.relaying import Alert, relayed_as
from fusewatch.domain.rules import Severity
from fusewatch.notify.alertmanager import Alertmanager
from fusewatch.notify.alertmanager_payload import Posted, label_name, labels_of, posted
from fusewatch.notify.kinds import AlertmanagerKind
from fusewatch.notify.samples import samples
from tests.notify.samples import BUDGET, LINK, MESSAGES, MINUTE, NOW
from tests.notify.support import FrozenClock, Receiver, run

DOCS = Path(__file__).parents[2] / "docs" / "alertmanager.md"
OPEN = replace(BUDGET, labels=(("feature", "chat"),), key=("chat",))
LASTS = 5 * MINUTE


def told(*alerts: Alert) -> list[Posted]:
    return posted(alerts, now_ms=NOW, lasts_ms=LASTS, zone="UTC", link=LINK)


def ended(state: State = State.RESOLVED, ago_ms: int = MINUTE) -> Incident:
    return replace(OPEN, state=state, changed_ms=NOW - ago_ms)


def test_what_stands_fires_for_the_life_of_an_alert_from_now_on() -> None:
    (one,) = told(Alert(OPEN, Severity.CRITICAL))
    assert (one.starts_at, one.ends_at) == ("2026-11-24T15:41:40.000Z", "2026-11-24T15:47:00.000Z")
    assert one.generator_url == LINK


@pytest.mark.parametrize("state", [State.RESOLVED, State.ROLLED_OVER, State.WITHDRAWN])
def test_what_is_over_ended_when_it_did(state: State) -> None:
    (one,) = told(Alert(ended(state), Severity.CRITICAL))
    assert one.ends_at == "2026-11-24T15:41:00.000Z"
    assert one.starts_at < one.ends_at


def test_an_escalation_ends_the_alert_of_the_former_severity_in_the_same_request() -> None:
    now, before = told(Alert(OPEN, Severity.CRITICAL, (Severity.WARNING,)))
    assert {**now.labels, "severity": "warning"} == before.labels
    assert before.ends_at == "2026-11-24T15:42:00.000Z"
    assert now.ends_at > before.ends_at


def test_the_end_of_a_former_incident_does_not_end_one_with_the_same_labels() -> None:
    younger = replace(OPEN, id="younger", opened_ms=NOW)
    for alerts in ([ended(), younger], [younger, ended()]):
        (one,) = told(*(Alert(incident, Severity.CRITICAL) for incident in alerts))
        assert one.ends_at == "2026-11-24T15:47:00.000Z"


def test_what_was_over_before_it_was_learned_fires_for_one_life() -> None:
    late = replace(ended(State.ROLLED_OVER), timing=Timing.LATE)
    (one,) = told(Alert(late, Severity.CRITICAL))
    assert one.ends_at == "2026-11-24T15:47:00.000Z"


def test_labels_name_the_rule_its_dimensions_and_the_route() -> None:
    alert = Alert(OPEN, Severity.CRITICAL, labels=(("owner", "ana"), ("rule", "theirs")), project="shop")
    assert labels_of(alert, Severity.CRITICAL) == {
        "alertname": "FusewatchBudget",
        "rule": "content-team",
        "severity": "critical",
        "project": "shop",
        "feature": "chat",
        "owner": "ana",
        "exported_rule": "theirs",
    }


pairs = st.lists(st.tuples(st.text(max_size=12), st.text(max_size=300)), max_size=6).map(tuple)


@given(dimensions=pairs, route=pairs)
def test_label_names_are_allowed_values_bounded_and_none_is_lost(
    dimensions: tuple[tuple[str, str], ...], route: tuple[tuple[str, str], ...]
) -> None:
    dimensions = tuple((name, value) for name, value in dimensions if name != "project")
    labels = labels_of(Alert(replace(OPEN, labels=dimensions), Severity.INFO, labels=route), Severity.INFO)
    assert all(re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", name) and not name.startswith("__") for name in labels)
    assert all(0 < len(value) <= 200 for value in labels.values())
    assert len(labels) == 3 + sum(1 for _, value in (*dimensions, *route) if value)


def test_values_that_differ_far_behind_stay_different() -> None:
    one, other = (
        labels_of(Alert(replace(OPEN, labels=(("user", "x" * 500 + end),)), Severity.INFO), Severity.INFO)
        for end in "ab"
    )
    assert one != other


@pytest.mark.parametrize(
    ("name", "allowed"), [("cost-centre", "cost_centre"), ("1st", "_1st"), ("", "_"), ("__a", "_a")]
)
def test_names_become_those_that_prometheus_allows(name: str, allowed: str) -> None:
    assert label_name(name) == allowed


def test_a_severity_that_was_told_again_is_the_latest() -> None:
    incident = OPEN
    for severity in (Severity.WARNING, Severity.CRITICAL, Severity.WARNING):
        incident = relayed_as(incident, ["am"], severity)
    assert incident.told_as == (("am", Severity.CRITICAL), ("am", Severity.WARNING))


@pytest.mark.parametrize("kind", Kind)
def test_the_docs_name_every_kind_of_alert(kind: Kind) -> None:
    name = labels_of(Alert(replace(OPEN, kind=kind), Severity.INFO), Severity.INFO)["alertname"]
    assert f"`{name}`" in DOCS.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "url", ["http://am.test/prefix", "http://am.test/prefix/", "http://am.test/prefix/api/v2/alerts"]
)
def test_it_posts_below_the_path_of_its_address_with_its_token(url: str) -> None:
    receiver = Receiver()
    notifier = Alertmanager(
        AlertmanagerKind(url, "hush"), FrozenClock(NOW), timezone="UTC", transport=receiver.transport
    )
    run(notifier.send(samples("am", NOW)["escalated"]))
    run(notifier.close())
    (request,) = receiver.requests
    assert str(request.url) == "http://am.test/prefix/api/v2/alerts"
    assert request.headers["Authorization"] == "Bearer hush"


def test_many_alerts_take_a_request_for_each_thousand() -> None:
    receiver = Receiver()
    notifier = Alertmanager(
        AlertmanagerKind("http://am.test"), FrozenClock(NOW), timezone="UTC", transport=receiver.transport
    )
    alerts = [Alert(replace(OPEN, labels=(("user", str(n)),)), Severity.INFO) for n in range(2_500)]
    run(notifier.show(alerts, ""))
    run(notifier.close())
    assert len(receiver.requests) == 3


@pytest.mark.parametrize("name", MESSAGES)
def test_every_message_can_be_told(name: str) -> None:
    receiver = Receiver()
    notifier = Alertmanager(
        AlertmanagerKind("http://am.test"), FrozenClock(NOW), timezone="UTC", transport=receiver.transport
    )
    run(notifier.send(MESSAGES[name]))
    run(notifier.close())
    assert len(receiver.requests) == bool(MESSAGES[name].notices)


def test_amtool_finds_nothing_to_say_of_the_example(tmp_path: Path) -> None:
    amtool = shutil.which("amtool")
    if amtool is None:
        pytest.skip("amtool is not installed (Debian: prometheus-alertmanager)")
    (example,) = re.findall(r"```yaml alertmanager.yml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    file = tmp_path / "alertmanager.yml"
    file.write_text(example, encoding="utf-8")
    said = subprocess.run([amtool, "check-config", file], capture_output=True, text=True, timeout=30, check=False)
    assert said.returncode == 0, said.stdout + said.stderr
    assert "SUCCESS" in said.stdout
