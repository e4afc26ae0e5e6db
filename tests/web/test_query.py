"""What stands in the address of the page: read, bounded, written again; nonsense is named and breaks nothing."""

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusewatch.domain.periods import Every
from fusewatch.domain.rules import Severity
from fusewatch.web.page.query import LONGEST_DAYS, MOST_FILTERS, Query, read_query
from tests.web.pictures import DAY, HOUR, MIDNIGHT, NOW, RULES, Daemon, get


def read(address: str) -> Query:
    return read_query(parse_qsl(address), RULES)


def test_an_address_without_a_question_means_today_by_feature() -> None:
    wanted = read("").wanted(RULES, NOW)
    assert (wanted.by, wanted.every, wanted.only) == ("feature", Every.HOUR, ())
    assert wanted.span == (MIDNIGHT, MIDNIGHT + DAY)


@pytest.mark.parametrize(
    ("address", "days", "every"),
    [
        ("period=7d", 7, Every.DAY),
        ("period=30d", 30, Every.DAY),
        ("from=2026-11-24", 1, Every.HOUR),
        ("from=2026-11-23&to=2026-11-24", 2, Every.HOUR),
        ("from=2026-11-20&to=2026-11-24", 5, Every.DAY),
    ],
)
def test_a_span_ends_with_its_last_day_and_short_ones_are_shown_by_the_hour(
    address: str, days: int, every: Every
) -> None:
    wanted = read(address).wanted(RULES, NOW)
    assert (wanted.span.to_ms, wanted.every) == (MIDNIGHT + DAY, every)
    assert wanted.span.to_ms - wanted.span.from_ms == days * DAY


def test_the_last_day_long_span_holds_24_whole_hours_of_which_one_runs() -> None:
    span = read("period=24h").wanted(RULES, NOW).span
    assert span.to_ms - span.from_ms == 24 * HOUR
    assert span.from_ms < NOW - 23 * HOUR < NOW < span.to_ms


def test_values_of_one_dimension_are_any_of_them_and_dimensions_are_all_of_them() -> None:
    query = read("feature=a&feature=b&team=x")
    assert query.wanted(RULES, NOW).only == (("feature", ("a", "b")), ("team", ("x",)))
    assert query.fits({"feature": "b", "team": "x"}.items())
    assert not query.fits({"feature": "b", "team": "y"}.items())
    assert not query.fits({"team": "x"}.items())


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("by=colour", "“colour” is no by; known are project,"),
        ("severity=loud", "“loud” is no severity; known are info, warning, critical."),
        ("page=0", "“0” is no page."),
        ("page=²", "“²” is no page."),
        ("tema=x", "“tema” is no filter here, did you mean team?"),
        ("from=2026-02-30", "“2026-02-30” is no date"),
        ("from=2026-11-24&to=2026-11-01", "the last day lies before the first"),
        ("from=0001-01-01", "far from any data"),
        ("from=2026-01-01&to=2026-11-24", f"longer than {LONGEST_DAYS} days"),
        ("feature=" + "x" * 3000, "each of at most 2,000 characters"),
        ("&".join(f"feature=f{n}" for n in range(MOST_FILTERS + 1)), f"at most {MOST_FILTERS} filters"),
    ],
)
def test_what_makes_no_sense_is_named_and_left_out(address: str, said: str) -> None:
    query = read(address)
    assert any(said in mistake for mistake in query.mistakes), query.mistakes
    assert read(address.partition("&")[0] if "feature" in address else "").by == query.by


@given(
    st.sampled_from(["today", "24h", "7d", "30d", "month"]),
    st.sampled_from(RULES.dimensions),
    st.lists(st.tuples(st.sampled_from(RULES.dimensions), st.text(min_size=1, max_size=20)), max_size=5, unique=True),
    st.sampled_from([None, *Severity]),
    st.integers(1, 99),
)
def test_what_a_query_writes_it_reads_again(
    period: str, by: str, only: list[tuple[str, str]], severity: Severity | None, page: int
) -> None:
    query = Query(period=period, by=by, only=tuple(only), severity=severity, page=page)
    address = query.address()
    assert address.isascii()
    assert read_query(parse_qsl(address.partition("?")[2]), RULES) == query


@given(st.lists(st.tuples(st.text(max_size=12), st.text(max_size=12)), max_size=6))
def test_no_address_breaks_the_reading(pairs: list[tuple[str, str]]) -> None:
    query = read_query(pairs, RULES)
    wanted = query.wanted(RULES, NOW)
    assert 0 < wanted.span.to_ms - wanted.span.from_ms <= (LONGEST_DAYS + 1) * DAY
    assert read_query(parse_qsl(query.address().partition("?")[2]), RULES).wanted(RULES, NOW) == wanted


@pytest.mark.parametrize(
    "address", ["/?by=%ff%fe", "/?%00=%00", "/?" + "a=b&" * 500, "/?feature=<script>", "/?page=1e9"]
)
def test_a_hostile_address_gets_a_page(address: str) -> None:
    answer = get(Daemon(), address)
    assert answer.status_code == 200
    assert "<script>" not in answer.text.replace('<script type="application/json"', "")


def test_an_address_is_asked_of_the_ledger_and_the_same_again_is_not() -> None:
    daemon = Daemon()
    app = daemon.app()
    from tests.web.pictures import asked, request

    asked(app, request("/?by=model&feature=a"), request("/?by=model&feature=a"), request("/?by=team"))
    assert [wanted.by for wanted in daemon.looked] == ["model", "team"]
    assert daemon.looked[0].only == (("feature", ("a",)),)
