"""Promises 3, 5, 6 and 13 on the real process, killed in every phase of its work. `make crashes` does it longer."""

from pathlib import Path

from tests.crash.campaign import ORDER, Campaign


def test_killed_in_every_phase_it_loses_nothing_and_repeats_only_what_was_being_sent(tmp_path: Path) -> None:
    figures = Campaign(tmp_path, seed=3).run(len(ORDER) + 5)
    assert figures.kills.keys() >= {"ingest", "assess", "deliver", "mid-send", "commit", "migrate"}
    assert figures.terms == 1
    assert figures.expected >= 12
    assert figures.lost == 0
    assert figures.doubled <= figures.mid_send
    assert figures.ledger_difference == 0
    assert figures.pruned > 0
