"""Several notices in one message: what they have in common, which ones are shown, and what is said of the others."""

from collections.abc import Sequence
from fractions import Fraction

from fusewatch.domain.notices import Kind, Notice, Reason
from fusewatch.domain.periods import Every
from fusewatch.notify import cards
from fusewatch.notify.numbers import amount
from fusewatch.notify.sheet import Card, Line
from fusewatch.notify.text import clean

WHOLE_CARDS = 3
"""Up to so many notices are told whole; of more, each is one line."""
SHOWN = 8
"""Of many notices so many, the worst, are shown; the rest is counted."""
WHOLE = Fraction(1)

_NOW = {Every.HOUR: "this hour", Every.DAY: "today", Every.WEEK: "this week", Every.MONTH: "this month"}


def shown_cards(notices: Sequence[Notice]) -> tuple[tuple[Card, ...], str]:
    """The cards of the first notices, and what is said of the others."""
    if len(notices) <= WHOLE_CARDS:
        return tuple(cards.whole(n) for n in notices), ""
    one_rule = _of_one_rule(notices)
    return tuple(cards.short(n, one_rule=one_rule) for n in notices[:SHOWN]), rest_of(len(notices) - SHOWN)


def _of_one_rule(notices: Sequence[Notice]) -> bool:
    """Whether they all open keys of one budget, so that its name and period need not be told in every line."""
    return all(n.incident.kind is Kind.BUDGET and is_opening(n) for n in notices) and bool(_one_dimension(notices))


def common_rule(notices: Sequence[Notice]) -> Line:
    """The rule that the lines of `shown_cards` leave out, for the fine print; empty where each names its own."""
    if len(notices) <= WHOLE_CARDS or not _of_one_rule(notices):
        return ()
    return (f"budget {clean(notices[0].incident.rule)} · ",)


def rest_of(count: int) -> str:
    """What is said of the `count` notices that are not shown."""
    return f"{SHOWN} worst shown, {count:,} more" if count > 0 else ""


def is_opening(notice: Notice) -> bool:
    """Whether it tells that something got worse, or that it still is."""
    return notice.reason in (Reason.OPENED, Reason.ESCALATED, Reason.REPEATED)


def headline_of(notices: Sequence[Notice]) -> str:
    """`37 features over their daily budget, 4 of them more than twice; $412.50 today in all`, or what else there is."""
    budgets = [n for n in notices if n.incident.kind is Kind.BUDGET and is_opening(n)]
    over = [n for n in budgets if n.threshold >= WHOLE]
    near = len(budgets) - len(over)
    spikes = sum(1 for n in notices if n.incident.kind is Kind.SPIKE and is_opening(n))
    expected = sum(1 for n in notices if n.incident.kind is Kind.FORECAST and is_opening(n))
    resolved = sum(1 for n in notices if n.reason is Reason.RESOLVED)
    over_with = sum(1 for n in notices if n.reason in (Reason.ROLLED_OVER, Reason.WITHDRAWN))
    other = len(notices) - len(budgets) - spikes - expected - resolved - over_with
    parts = [_over_part(over)] if over else []
    if near:
        parts.append(f"{near:,} {_budgets(near)} near {'its' if near == 1 else 'their'} limit")
    if expected:
        parts.append(f"{expected:,} {_budgets(expected)} expected to cross {'its' if expected == 1 else 'their'} limit")
    if spikes:
        parts.append(f"{spikes:,} {'spike' if spikes == 1 else 'spikes'}")
    if resolved:
        parts.append(f"{resolved:,} resolved")
    if over_with:
        parts.append(f"{over_with:,} over with {'its period' if over_with == 1 else 'their periods'}")
    if other:
        parts.append(f"{other:,} other {'notice' if other == 1 else 'notices'}")
    if len(parts) == 1 and over:
        parts += _sum_part(over)
    return "; ".join(parts)


def _budgets(count: int) -> str:
    return "budget" if count == 1 else "budgets"


def _over_part(over: Sequence[Notice]) -> str:
    count, twice = len(over), sum(1 for n in over if n.incident.measured > 2 * n.incident.limit)
    dimension = _one_dimension(over)
    if dimension and count > 1:
        text = f"{count:,} {_plural(dimension)} over their {cards.budget_phrase(over[0].incident)}"
    else:
        text = f"{count:,} {_budgets(count)} over {'its' if count == 1 else 'their'} limit"
    if count > 1 and twice == count:
        return f"{text}, all of them more than twice"
    return f"{text}, {twice:,} of them more than twice" if twice else text


def _same_keyed_budget(over: Sequence[Notice]) -> bool:
    """Whether they are keys of one rule in one period; only then do they share no spend."""
    return len({(n.incident.rule, n.incident.period, n.incident.unit) for n in over}) == 1


def _one_dimension(over: Sequence[Notice]) -> str:
    names = {tuple(name for name, _ in n.incident.labels) for n in over}
    if len(names) != 1 or not _same_keyed_budget(over):
        return ""
    (dimensions,) = names
    return clean(dimensions[0], 40) if len(dimensions) == 1 else ""


def _plural(dimension: str) -> str:
    words = dimension.replace("_", " ")
    return f"{words[:-1]}ies" if words.endswith("y") else f"{words}s"


def _sum_part(over: Sequence[Notice]) -> list[str]:
    """Their sum, where it counts nothing twice and still runs: different rules may cover the same generations."""
    first = over[0].incident
    every = cards.period_of(first)
    if len(over) < 2 or every is None or not _same_keyed_budget(over) or over[0].at_ms >= first.period_end_ms:
        return []
    total = sum(n.incident.measured for n in over)
    part = cards.estimated_part(*(n.incident for n in over))
    return [f"{amount(total, first.unit)} {_NOW[every]} in all{part}"]
