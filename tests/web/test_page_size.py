"""Ten thousand keys, with names as long and hostile as they come, neither slow the page nor swell it."""

from dataclasses import replace

from fusewatch.domain.rules import Unit
from fusewatch.web.page.query import Query
from tests.web.pictures import BUSY, CROSSED, SPIKES, Daemon, budget, get, spending, usd
from tests.web.test_page import page

KEYS = 10_000
LARGEST = 300_000
"""Bytes."""


def name(number: int) -> str:
    return f"<script>{number}</script>&\u202e" + "ä" * 40


MANY = replace(
    BUSY,
    budgets=tuple(budget("each-user", 10**6, n, unit=Unit.TOKENS, user=name(n)) for n in range(KEYS)),
    spikes=tuple(replace(SPIKES[0], labels=(("user", name(n)),), ratio=2.0 + n) for n in range(KEYS)),
    open_incidents=tuple(
        replace(CROSSED, id=f"I{n}", key=(name(n),), labels=(("user", name(n)),)) for n in range(KEYS)
    ),
    spend=tuple(replace(BUSY.spend[0], labels=(name(n),) * 5) for n in range(KEYS)),
    loading=tuple(name(n) for n in range(KEYS)),
)


def test_ten_thousand_keys_make_a_page_of_a_few_hundred_kilobytes() -> None:
    found = spending(values=[name(n) for n in range(KEYS)])
    answer = get(Daemon(picture=MANY, spend=found), "/")
    assert answer.status_code == 200
    assert len(answer.content) < LARGEST
    assert "9,980 others" in answer.text
    assert "more open incidents" in answer.text
    assert "1 – 8 of 10,000" in answer.text


def test_one_of_ten_thousand_keys_is_found_by_its_name() -> None:
    shown = page(MANY, query=Query(only=(("user", name(4711)),)))
    assert sum(f"user={name(4711)}" == one for one in shown.names) >= 2
    assert not [one for one in shown.names if one == f"user={name(4712)}"]


def test_the_dearest_values_are_worth_a_line_and_all_others_one_together() -> None:
    found = spending(values=[f"f{n}" for n in range(60)])
    whole = found.whole.pico
    assert whole == sum(usd("75.20") - n * usd("1") for n in range(60))
    shown = page(spent=found)
    assert "f19" in shown.names
    assert "f20" not in shown.names
    assert "40 others" in shown.text
