"""After `attribution` changed: history is read again, newest first, and what was counted moves to where it belongs."""

import pytest

from fusewatch.app.ingest import ingest_pass
from fusewatch.demo.standin import Span
from fusewatch.domain.attribution import Resolver
from fusewatch.domain.incidents import Standing
from fusewatch.domain.readplan import need_from
from tests.app.conftest import Play
from tests.app.stage import Stage
from tests.app.test_backfill import a_year_before, backfill, reader_of
from tests.app.test_inheritance import features
from tests.app.when import DAY_MS, clock_of

RULES = """
history: 2d
watch: {{unattributed: false}}
attribution: {{feature: [{}]}}
budgets:
  - {{name: features, each: [feature], limit: $10, every: day}}
"""
BY_FEATURE, BY_TEAM = RULES.format("metadata.feature"), RULES.format("metadata.team")


def by_team(span: Span) -> str:
    return span.all_metadata().get("team", "")


def stale_ms(stage: Stage) -> int:
    (project,) = stage.store.read(lambda unit: unit.projects())
    return project.stale_ms


def edit(stage: Stage, rules: str = BY_TEAM) -> None:
    stage.feature_of = by_team
    stage.reload(rules)


def test_history_is_read_again_and_moves_to_the_features_that_the_new_attribution_finds(play: Play) -> None:
    stage = play(BY_FEATURE)
    stage.spend("4", at="11-17 12:00", feature="chat", team="core")
    stage.spend("3", at="05:00", feature="chat", team="web")
    stage.at("06:00")
    assert features(stage) == {"chat": 700}
    edit(stage)
    assert stale_ms(stage) >= 2 * DAY_MS
    (line,) = stage.shown().budgets
    assert line.standing is Standing.CATCHING_UP
    stage.at("06:01")
    assert features(stage) == {"core": 400, "web": 300}
    assert stale_ms(stage) == 0
    assert stage.silent()


def test_reading_again_goes_newest_first_and_counts_down(play: Play) -> None:
    stage = play(BY_FEATURE, window_ms=DAY_MS // 2)
    stage.spend("4", at="11-16 12:00", feature="chat", team="core")
    stage.spend("3", at="05:00", feature="chat", team="web")
    stage.at("06:00")
    edit(stage)
    left = [stale_ms(stage)]
    stage.poll("06:01")
    assert features(stage) == {"chat": 400, "web": 300}
    left.append(stale_ms(stage))
    while stale_ms(stage):
        stage.read_on()
        left.append(stale_ms(stage))
    assert left == sorted(left, reverse=True)
    assert features(stage) == {"core": 400, "web": 300}


def test_what_was_over_and_moves_is_told_where_it_went_and_resolved_where_it_was(play: Play) -> None:
    stage = play(BY_FEATURE)
    stage.at("06:00")
    stage.spend("12", at="07:00", feature="chat", team="web")
    stage.at("07:01")
    assert stage.news() == ["features feature=chat opened critical 100%"]
    edit(stage)
    assert stage.silent()
    stage.at("07:02")
    assert stage.news() == [
        "features feature=web opened critical 100%; features feature=chat resolved critical (corrected)"
    ]
    stage.every(1, until="07:10")
    assert stage.silent()


def test_history_that_no_rule_needs_is_read_again_too(play: Play) -> None:
    stage = play(BY_FEATURE)
    a_year_before(stage)
    stage.at("06:00")
    backfill(stage, "09-10 00:00", "09-20 00:00")
    assert features(stage) == {"chat": 2500}
    edit(stage)
    stage.at("06:01")
    assert features(stage) == {"web": 2500}
    assert stale_ms(stage) == 0


def test_backfill_reads_again_what_is_stale_in_its_span(play: Play) -> None:
    stage = play(BY_FEATURE)
    a_year_before(stage)
    stage.at("06:00")
    backfill(stage, "09-10 00:00", "09-20 00:00")
    edit(stage)
    before = stale_ms(stage)
    report = backfill(stage, "09-12 00:00", "09-15 00:00")
    assert (report.failure, report.rows, report.new) == (None, 6, 0)
    assert features(stage) == {"chat": 1750, "web": 750}
    assert before - stale_ms(stage) == 3 * DAY_MS


@pytest.mark.parametrize("after_commit", [False, True])
def test_a_kill_anywhere_in_it_leaves_what_the_next_daemon_reads_on_with(play: Play, after_commit: bool) -> None:
    for transactions in range(1, 14, 2):
        stage = play(BY_FEATURE, window_ms=DAY_MS)
        stage.spend("4", at="11-17 12:00", feature="chat", trace="t1")
        stage.root("t1", at="11-17 11:00", arrives="11-17 12:30", feature="chat", team="core")
        stage.spend("3", at="05:00", feature="chat", team="web")
        stage.at("06:00")
        edit(stage)
        stage.runner.fatal, stage.runner.after_commit = stage.runner.done + transactions, after_commit
        if stage.dies(lambda stage=stage: stage.at("06:01")):  # type: ignore[misc]  # mypy infers no lambda with defaults
            stage.restart()
        stage.at("06:02")
        assert features(stage) == {"core": 400, "web": 300}


def test_a_daemon_that_finds_another_attribution_in_the_file_when_it_starts_reads_again_too(play: Play) -> None:
    stage = play(BY_FEATURE)
    stage.spend("3", at="05:00", feature="chat", team="web")
    stage.at("06:00")
    stage.feature_of = by_team
    (stage.folder / "budgets.yaml").write_text(stage.book.loaded.text.replace("metadata.feature", "metadata.team"))
    stage.restart()
    stage.at("06:01")
    assert features(stage) == {"web": 300}


def test_other_edits_and_the_same_attribution_written_otherwise_read_nothing_again(play: Play) -> None:
    stage = play(BY_FEATURE)
    stage.at("06:00")
    stage.reload(BY_FEATURE.replace("$10", "$20"))
    stage.reload(BY_FEATURE.replace("{feature: [metadata.feature]}", "\n  feature:\n    - metadata.feature"))
    stage.restart()
    assert stale_ms(stage) == 0


def test_a_pass_by_rules_that_were_replaced_meanwhile_writes_nothing_and_is_no_failed_read(play: Play) -> None:
    stage = play(BY_FEATURE)
    stage.spend("3", at="05:00", feature="chat", team="web")
    stage.at("06:00")
    old = reader_of(stage)
    assert old.resolver.revision == Resolver(stage.book.rules.attribution).revision
    edit(stage)
    before = stage.store.read(lambda unit: (unit.coverage(), unit.totals(), unit.counters()))
    need_ms = need_from(stage.book.rules, stage.clock.now_ms())
    report = stage._run(ingest_pass(old, stage.store, stage.runner, stage.clock, poll=0, need_from_ms=need_ms))
    assert (report.outdated, report.failure, report.more, report.rows) == (True, None, True, 0)
    assert stage.store.read(lambda unit: (unit.coverage(), unit.totals(), unit.counters())) == before
    (project,) = stage.shown().projects
    assert project.failing_since_ms is None
    refused = backfill(stage, "05:00", reader=old)
    assert refused.failure is not None
    assert refused.failure.reason == "rules_changed"
    stage.at("06:01")
    assert features(stage) == {"web": 300}


def test_edits_there_and_back_again_end_where_they_began(play: Play) -> None:
    stage = play(BY_FEATURE, window_ms=DAY_MS // 2)
    stage.spend("4", at="11-16 12:00", feature="chat", team="core")
    stage.spend("3", at="05:00", feature="chat", team="web")
    stage.at("06:00")
    feature_of = stage.feature_of
    edit(stage)
    stage.poll("06:01")
    stage.feature_of = feature_of
    stage.reload(BY_FEATURE)
    stage.at(clock_of(stage.clock.now_ms() + 60_000)[6:])
    assert features(stage) == {"chat": 700}
    assert stale_ms(stage) == 0
