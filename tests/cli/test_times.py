"""Instants on the command line: what may be written, in whose zone it is meant, and what is said of the rest."""

from contextlib import suppress
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusewatch.cli.times import instant_ms
from fusewatch.errors import ConfigError

NOW_MS = 1_795_361_400_000
"""2026-11-22T15:30:00Z"""


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        pytest.param("2026-11-01", "2026-11-01T00:00+01:00", id="a date begins in the zone of the file"),
        pytest.param("2026-07-01", "2026-07-01T00:00+02:00", id="in summer time too"),
        pytest.param("2026-11-01T08:30", "2026-11-01T08:30+01:00", id="an instant without a zone is meant there"),
        pytest.param("2026-11-01 08:30:15", "2026-11-01T08:30:15+01:00", id="with a space, with seconds"),
        pytest.param("2026-11-01T08:30Z", "2026-11-01T08:30+00:00", id="an instant with a zone is meant in it"),
        pytest.param("2026-11-01T08:30-05:00", "2026-11-01T13:30+00:00", id="or with an offset"),
        pytest.param("-30d", "2026-10-23T15:30+00:00", id="days ago"),
        pytest.param("-90m", "2026-11-22T14:00+00:00", id="minutes ago"),
        pytest.param("now", "2026-11-22T15:30+00:00", id="now"),
    ],
)
def test_what_an_instant_means(text: str, meant: str) -> None:
    assert instant_ms(text, "--from", zone="Europe/Berlin", now_ms=NOW_MS) == ms(meant)


def test_a_date_that_ends_a_span_counts_as_a_whole() -> None:
    until = instant_ms("2026-10-25", "--to", zone="Europe/Berlin", now_ms=NOW_MS, whole_day=True)
    assert until == ms("2026-10-26T00:00+01:00")
    assert until - instant_ms("2026-10-25", "--from", zone="Europe/Berlin", now_ms=NOW_MS) == 25 * 3_600_000
    exact = instant_ms("2026-10-25T12:00", "--to", zone="Europe/Berlin", now_ms=NOW_MS, whole_day=True)
    assert exact == ms("2026-10-25T12:00+01:00")


def test_a_day_without_a_midnight_begins_after_the_gap() -> None:
    assert instant_ms("2026-04-24", "--from", zone="Africa/Cairo", now_ms=NOW_MS) == ms("2026-04-24T01:00+03:00")


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "2026-02-30", "-30", "-0d", "30d ago", "{}", "12:00"])
def test_what_is_no_instant_is_refused_with_what_would_be_right(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        instant_ms(text, "--from", zone="UTC", now_ms=NOW_MS)
    (problem,) = caught.value.problems
    assert problem.line == 0
    assert str(problem).startswith("command line: --from: ")
    assert f'"{text}"' in problem.what
    assert "2026-11-01" in problem.right


@given(st.text(max_size=30))
def test_no_text_is_answered_with_anything_but_an_instant_or_a_clear_refusal(text: str) -> None:
    with suppress(ConfigError):
        assert isinstance(instant_ms(text, "--from", zone="Europe/Berlin", now_ms=NOW_MS), int)
