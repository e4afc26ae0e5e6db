"""Against the real Alertmanager: what fires there stands as long as the incident, and ends with it."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from fusewatch.demo.standin import StandinServer
from fusewatch.domain.notices import Reason, State
from fusewatch.domain.relaying import Alert
from fusewatch.domain.rules import Severity
from fusewatch.notify.alertmanager import Alertmanager as Destination
from fusewatch.notify.kinds import AlertmanagerKind
from fusewatch.notify.samples import samples
from fusewatch.runtime import SystemClock
from tests.process.alertmanager import Alertmanager, running, start
from tests.process.home import Home, noon_zone, now_ms, spend, wait_for


@pytest.fixture
def receiving(tmp_path: Path) -> Iterator[Alertmanager]:
    with running(tmp_path / "alertmanager") as started:
        yield started


def rules(url: str, limit: int) -> str:
    return f"""
version: 1
timezone: {noon_zone()}
destinations:
  am: {{type: alertmanager, url: "{url}", token: secret, quiet_hours: {{from: "00:00", to: "23:59"}}}}
notify: [am]
routes:
  - {{where: {{feature: chat}}, labels: {{cost_centre: "47 11", severity: "page"}}, runbook: "https://wiki/chat"}}
budgets:
  - {{name: each-feature, each: [feature], limit: ${limit}, every: day}}
"""


def severities(receiving: Alertmanager) -> list[str]:
    return sorted(alert["labels"]["severity"] for alert in receiving.alerts())


def test_an_incident_fires_escalates_stays_over_restarts_and_is_resolved(
    home: Home, langfuse: StandinServer, receiving: Alertmanager
) -> None:
    home.write(rules(receiving.url, 10))
    langfuse.store.add([spend("8.50")])
    daemon = home.run(FUSEWATCH_PUBLIC_URL="https://fusewatch.example.com")
    wait_for(lambda: severities(receiving) == ["warning"], "the warning fires")
    (alert,) = receiving.alerts()
    assert alert["labels"] == {
        "alertname": "FusewatchBudget",
        "rule": "each-feature",
        "severity": "warning",
        "project": "langfuse",
        "feature": "chat",
        "cost_centre": "47 11",
        "exported_severity": "page",
    }
    assert alert["annotations"]["summary"] == "chat (each-feature) reached 80 % of its daily budget: $8.50 of $10.00"
    assert alert["annotations"]["runbook_url"] == "https://wiki/chat"
    assert alert["annotations"]["dashboard_url"].startswith("https://fusewatch.example.com")
    wait_for(lambda: receiving.notified() == ["firing warning chat"], "people are told")

    langfuse.store.add([spend("2")])
    wait_for(lambda: severities(receiving) == ["critical"], "one alert takes the place of the other")
    wait_for(lambda: "firing critical chat" in receiving.notified(), "people are told of the escalation")

    assert daemon.stop() == 0
    empty = receiving.folder.with_name("another")
    receiving.stop()
    receiving.process = start(empty, receiving.receiver, port=receiving.port).process
    assert receiving.alerts() == []
    again = home.run()
    wait_for(lambda: severities(receiving) == ["critical"], "one that forgot everything is reminded")

    home.write(rules(receiving.url, 100))
    wait_for(lambda: severities(receiving) == [], "a raised limit resolves it")
    wait_for(lambda: receiving.notified()[-1] == "resolved critical chat", "people are told of the end")
    assert again.stop() == 0


def test_a_rule_that_is_gone_leaves_no_alert_behind(
    home: Home, langfuse: StandinServer, receiving: Alertmanager
) -> None:
    home.write(rules(receiving.url, 10))
    langfuse.store.add([spend("12")])
    daemon = home.run()
    wait_for(lambda: severities(receiving) == ["critical"], "it fires")
    home.write(rules(receiving.url, 10).replace("each-feature", "another"))
    wait_for(lambda: [a["labels"]["rule"] for a in receiving.alerts()] == ["another"], "only the new rule's fires")
    assert daemon.stop() == 0


def test_an_outage_shows_in_the_metrics_and_is_made_up_for_and_what_came_and_went_in_it_never_fires(
    home: Home, langfuse: StandinServer, receiving: Alertmanager
) -> None:
    receiving.stop()
    home.write(rules(receiving.url, 10))
    langfuse.store.add([spend("12"), spend("12", feature="stays")])
    daemon = home.run()
    wait_for(lambda: daemon.serves, "it listens", within_s=60.0)
    failed = 'fusewatch_notifications_total{destination="am",outcome="retry",reason="unreachable"}'
    wait_for(lambda: daemon.metrics().get(failed, 0) >= 2, "attempts that failed")
    home.write(rules(receiving.url, 10).replace("day}", "day, overrides: [{feature: chat, limit: $99}]}"))
    wait_for(lambda: daemon.events("incident_resolved"), "one is over")
    receiving.process = start(receiving.folder, receiving.receiver, port=receiving.port).process
    wait_for(lambda: receiving.notified() == ["firing critical stays"], "what stands is told", within_s=30.0)
    wait_for(lambda: not pending(daemon.metrics()), "every delivery gets through", within_s=30.0)
    assert [alert["labels"]["feature"] for alert in receiving.alerts()] == ["stays"]
    assert receiving.notified() == ["firing critical stays"]
    assert daemon.stop() == 0


def pending(metrics: Mapping[str, Decimal]) -> Decimal | None:
    return metrics.get('fusewatch_outbox_pending{destination="am"}')


def test_a_sample_arrives_and_ends_by_itself(home: Home, receiving: Alertmanager) -> None:
    home.write(rules(receiving.url, 10))
    said = home.call("notify-test", "am")
    assert said.returncode == 0
    assert "✓ am: escalated: accepted" in said.stdout
    (alert,) = receiving.alerts()
    assert (alert["labels"]["rule"], alert["labels"]["sample"]) == ("content-team", "true")
    wait_for(lambda: receiving.notified() == ["firing critical"], "it is sent on")
    assert alert["endsAt"] > alert["startsAt"]


# ---------------------------------------------------------------- the destination alone


def shown(receiving: Alertmanager, *alerts: Alert, lasts_ms: int = 300_000) -> None:
    async def whole() -> None:
        destination = Destination(AlertmanagerKind(receiving.url), SystemClock(), timezone="UTC", lasts_ms=lasts_ms)
        await destination.show(alerts, "")
        await destination.close()

    asyncio.run(whole())


def an_alert() -> Alert:
    (notice,) = samples("am", now_ms())["escalated"].notices
    assert notice.reason is Reason.ESCALATED
    return Alert(replace(notice.incident, changed_ms=now_ms()), Severity.CRITICAL)


def test_what_is_told_again_never_resolves_and_what_is_not_does(receiving: Alertmanager) -> None:
    """Its life is three reminders long; the Alertmanager's own `resolve_timeout` of a second changes nothing."""
    alert = an_alert()
    until = time.monotonic() + 4
    while time.monotonic() < until:
        shown(receiving, alert, lasts_ms=1_500)
        begun = time.monotonic()
        wait_for(lambda: time.monotonic() - begun > 0.4, "the next reminder")  # noqa: B023 - called at once
    assert receiving.notified() == ["firing critical"]
    wait_for(lambda: receiving.notified()[-1] == "resolved critical", "forgotten by us, ended by it")


@pytest.mark.parametrize("state", [State.RESOLVED, State.ROLLED_OVER, State.WITHDRAWN])
def test_every_end_of_an_incident_resolves_its_alert(receiving: Alertmanager, state: State) -> None:
    alert = an_alert()
    shown(receiving, alert)
    wait_for(lambda: receiving.notified() == ["firing critical"], "it fires")
    shown(receiving, replace(alert, incident=replace(alert.incident, state=state, changed_ms=now_ms())))
    wait_for(lambda: receiving.notified()[-1] == "resolved critical", "it ends")


def test_labels_and_texts_of_any_shape_are_taken(receiving: Alertmanager) -> None:
    """Alertmanager answers 400 to the whole request for a single label that it does not like."""
    odd = {"0": "x", "über-team": "тест 🚀", "": "empty name", "__name__": "mine", "a" * 500: "\ud800" + "b" * 5_000}
    alert = an_alert()
    incident = replace(alert.incident, labels=tuple(odd.items()), rule="a\x00b\n<c>")
    shown(receiving, replace(alert, incident=incident, labels=(("alertname", "theirs"), ("none", ""))))
    (found,) = receiving.alerts()
    assert found["labels"]["alertname"] == "FusewatchBudget"
    assert found["labels"]["exported_alertname"] == "theirs"
    assert "none" not in found["labels"]
