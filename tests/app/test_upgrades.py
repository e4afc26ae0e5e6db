"""A Langfuse server that changes under us: legacy mode, an upgrade, and history that comes with it days later."""

from fusewatch.app.ingest import Reader
from fusewatch.app.reconcile import ReconcileReport, reconcile_pass
from fusewatch.demo.standin import Mode
from fusewatch.domain.attribution import Resolver
from fusewatch.domain.readplan import need_from
from tests.app.conftest import Play
from tests.app.stage import Stage

RULES = "history: 4d\nbudgets:\n  - {name: daily, limit: $10, every: day}\n"
DOLLAR = 10**12


def compare(stage: Stage) -> ReconcileReport:
    (watched,) = stage.watched
    assert watched.state is not None
    reader = Reader(watched.entry.source, watched.state.key, Resolver(stage.book.rules.attribution))
    since = need_from(stage.book.rules, stage.clock.now_ms())
    return stage._run(reconcile_pass(reader, stage.store, stage.runner, stage.clock, from_ms=since))


def test_an_empty_answer_of_a_server_in_legacy_mode_is_not_believed(play: Play) -> None:
    stage = play(RULES)
    stage.standin.mode = Mode.LEGACY_OPTIN
    stage.spend("9", at="06:10")
    stage.at("06:20", "06:21")
    assert stage.news() == ["start: daily opened warning 80%"]
    assert stage.shown().totals.cost_pico == 9 * DOLLAR


def test_a_server_that_falls_back_into_legacy_mode_takes_nothing_out_of_the_ledger(play: Play) -> None:
    stage = play(RULES)
    stage.standin.mode = Mode.EVENTS_ONLY
    stage.spend("9", at="06:10")
    stage.at("06:20", "08:00")
    compare(stage)
    stage.standin.mode = Mode.LEGACY_OPTIN
    stage.at("08:01", "08:30")
    assert compare(stage).drift_pico == 0
    assert stage.shown().totals.cost_pico == 9 * DOLLAR


def test_history_that_appears_days_after_an_upgrade_is_found_by_the_comparison(play: Play) -> None:
    stage = play(RULES)
    stage.standin.mode = Mode.EVENTS_ONLY
    stage.spend("1", at="06:10")
    stage.at("06:20", "08:00")
    compare(stage)
    for minute in range(10, 40):
        stage.spend("0.25", at=f"11-16 09:{minute}", arrives="11-20 09:00")
    stage.at("11-20 09:05", "11-20 09:06", "11-20 10:30")
    report = compare(stage)
    assert sum(hour.new for hour in report.hours) == 30
    assert report.drift_pico == 0
    stage.at("11-20 10:31")
    assert stage.shown().totals.cost_pico == 8_500_000_000_000
