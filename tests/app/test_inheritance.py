"""What calls take from their trace: late, whatever is read first, over restarts, and the same by v1 and v2."""

from collections import Counter

from fusewatch.app.reconcile import reconcile_pass
from fusewatch.demo.standin.model import Mode
from tests.app.conftest import Play
from tests.app.stage import Stage
from tests.app.test_backfill import reader_of

FEATURES = """
history: 1d
watch: {unattributed: false}
budgets:
  - {name: features, each: [feature], limit: $10, every: day}
"""


def features(stage: Stage) -> dict[str, int]:
    """What each feature spent, in cents, by the rows of the ledger."""
    rows = stage.store.assess(lambda unit: unit.rows(0, 2**53))
    spent: Counter[str] = Counter()
    for row in rows:
        spent[row.dimensions.feature] += row.amounts.cost_pico // 10**10
    return dict(spent)


def test_a_root_that_ends_last_names_the_feature_of_what_its_calls_spent_and_it_is_told_once(play: Play) -> None:
    stage = play(FEATURES)
    stage.at("06:00")
    stage.spend("7", at="07:00:10", trace="t1")
    stage.spend("5", at="07:00:30", trace="t1")
    stage.root("t1", at="07:00", arrives="07:02:30", feature="search")
    stage.at("07:01")
    assert features(stage) == {"unknown": 1200}
    assert stage.news() == ["features feature=unknown opened critical 100%"]
    stage.at("07:02", "07:03")
    assert features(stage) == {"search": 1200}
    assert stage.news() == [
        "features feature=search opened critical 100%; features feature=unknown resolved critical (corrected)"
    ]
    stage.every(1, until="07:10")
    assert stage.silent()


def test_counters_move_with_what_is_inherited_and_keep_what_they_showed_as_debt(play: Play) -> None:
    stage = play(FEATURES)
    stage.at("06:00")
    stage.spend("7", at="07:00:10", trace="t1")
    stage.root("t1", at="07:00", arrives="07:01:30", feature="search", team="core")
    stage.at("07:01", "07:02")
    shown = {c.labels[1:3]: (c.cost_pico // 10**12, c.debt_pico // 10**12) for c in stage.shown().counters}
    assert shown == {("unknown", "unknown"): (7, 7), ("search", "core"): (7, 0)}


def test_a_call_that_is_read_after_its_sibling_takes_what_that_said(play: Play) -> None:
    stage = play(FEATURES)
    stage.at("06:00")
    stage.spend("1", at="07:00", feature="chat", user="ann", trace="t1")
    stage.at("07:01")
    stage.spend("2", at="07:01:10", trace="t1")
    stage.at("07:02")
    assert features(stage) == {"chat": 300}


def test_a_sibling_that_comes_later_gives_to_what_was_read_before(play: Play) -> None:
    stage = play(FEATURES)
    stage.at("06:00")
    stage.spend("2", at="07:00:10", trace="t1")
    stage.at("07:01")
    stage.spend("1", at="07:01:10", feature="chat", trace="t1")
    stage.at("07:02")
    assert features(stage) == {"chat": 300}


def test_where_two_name_a_feature_the_earlier_one_gives_whichever_is_read_first(play: Play) -> None:
    stage = play(FEATURES)
    stage.at("06:00")
    stage.root("t1", at="07:00:20", arrives="07:00:40", feature="step")
    stage.spend("2", at="07:00:30", trace="t1")
    stage.at("07:01")
    assert features(stage) == {"step": 200}
    stage.root("t1", at="07:00:10", arrives="07:01:30", feature="agent")
    stage.at("07:02")
    assert features(stage) == {"agent": 200}


def test_a_donor_that_is_corrected_corrects_those_who_inherited(play: Play) -> None:
    stage = play(FEATURES)
    stage.at("06:00")
    root = stage.root("t1", at="07:00", arrives="07:00:30", feature="serach")
    stage.spend("2", at="07:00:10", trace="t1")
    stage.at("07:01")
    stage.update(root, at="07:01:30", feature="search")
    stage.at("07:02")
    assert features(stage) == {"search": 200}


def test_a_late_donor_finds_its_calls_after_a_restart_and_after_a_kill(play: Play) -> None:
    for after_commit in (False, True):
        for transactions in range(1, 9):
            stage = play(FEATURES)
            stage.at("06:00")
            stage.spend("2", at="07:00:10", trace="t1")
            stage.at("07:01")
            stage.restart()
            stage.root("t1", at="07:00", arrives="07:01:30", feature="search")
            stage.runner.fatal, stage.runner.after_commit = transactions, after_commit
            if stage.dies(lambda stage=stage: stage.at("07:02")):  # type: ignore[misc]  # mypy infers no lambda with defaults
                stage.restart()
            stage.at("07:03")
            assert features(stage) == {"search": 200}


def test_the_spans_of_sdk_3_alone_carry_the_attributes_and_cost_of_a_span_counts(play: Play) -> None:
    """In SDK 3 the trace's attributes stand on its first span alone; what it costs may stand on a span, too."""
    stage = play(FEATURES)
    stage.at("06:00")
    stage.root("t1", at="07:00", arrives="07:00:50", feature="agent", team="core", user="ann")
    stage.spend("2", at="07:00:10", trace="t1", type="SPAN", tokens=0)
    stage.spend("3", at="07:00:20", trace="t1", type="EMBEDDING")
    stage.at("07:01")
    assert features(stage) == {"agent": 500}


def test_history_is_completed_however_small_its_pages_are(play: Play) -> None:
    stage = play(FEATURES)
    stage.small_pages()
    for second in range(10, 59):
        stage.spend("0.01", at=f"05:00:{second}", trace="t1")
        stage.spend("0.01", at=f"05:01:{second}", trace=f"t{second % 3}")
    stage.root("t1", at="05:00", arrives="05:10", feature="agent")
    stage.root("t2", at="05:00:01", arrives="05:10", feature="other")
    stage.at("06:00")
    assert features(stage) == {"agent": 49 + 17, "other": 16, "unknown": 16}


def test_an_hour_that_the_comparison_reads_again_completes_its_calls(play: Play) -> None:
    stage = play(FEATURES)
    stage.spend("1", at="05:00:10", trace="t1")
    stage.at("06:00", "06:25")
    compare(stage)
    stage.root("t1", at="05:00", arrives="06:30", feature="late")
    stage.every(30, until="08:00")
    assert features(stage) == {"unknown": 100}
    compare(stage)
    assert features(stage) == {"late": 100}


def compare(stage: Stage) -> None:
    report = stage._run(
        reconcile_pass(reader_of(stage), stage.store, stage.runner, stage.clock, from_ms=stage.ms("05:00"))
    )
    assert report.failure is None
    stage._run(stage._assess_and_deliver())


def test_v1_joined_with_its_traces_and_v2_lead_to_one_ledger(play: Play) -> None:
    ledgers = []
    for mode in (Mode.EVENTS_ONLY, Mode.LEGACY):
        stage = play(FEATURES)
        stage.standin.mode = mode
        stage.small_pages()
        for minute in range(40):
            trace = f"{minute // 4:032x}"
            stage.spend("0.25", at=f"05:{minute:02}:10", trace=trace, user="ann" if minute % 8 == 2 else "")
            stage.spend("0.10", at=f"05:{minute:02}:20", trace=trace, team="core" if minute % 5 == 0 else "")
        for number in range(10):
            named = f"agent-{number % 3}" if number % 2 else ""
            stage.root(f"{number:032x}", at=f"05:{4 * number:02}:05", arrives="06:04:30", feature=named)
        stage.every(1, until="06:00")
        stage.at("06:05")
        if mode is Mode.EVENTS_ONLY:
            stage.restart()
        stage.every(1, until="06:10")
        (project,) = stage.shown().projects
        assert project.api == ("v2" if mode is Mode.EVENTS_ONLY else "v1")
        ledgers.append(sorted(row[1:] for row in stage.store.assess(lambda unit: unit.rows(0, 2**53))))
    assert ledgers[0] == ledgers[1]
    assert len(ledgers[0]) == 80
