"""The gauges of budgets and spikes: one series for each key, or, where a key names a person, only their worst."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from fusewatch.app.snapshot import BudgetLine, Snapshot, SpikeLine, people_keyed
from fusewatch.domain.money import usd_json
from fusewatch.domain.rules import HIGH_CARDINALITY, Rule, RuleSet, Unit
from fusewatch.web.textformat import Exposition, decimal, number, sorted_rows

_Line = TypeVar("_Line", bound=BudgetLine | SpikeLine)

_UNIT_WORDS = ((Unit.USD, "dollars"), (Unit.TOKENS, "tokens"), (Unit.REQUESTS, "requests"))
_AMOUNTS = (
    ("limit", "How much the budget allows in its period."),
    ("spent", "How much was spent of the budget in its period so far."),
    ("forecast", "How much is spent by the end of the period, as far as can be seen; absent early in a period."),
    ("forecast_low", "The low end of the range in which the forecast will be in 8 of 10 cases."),
    ("forecast_high", "The high end of the range in which the forecast will be in 8 of 10 cases."),
)


def write_budgets(out: Exposition, snapshot: Snapshot, rules: RuleSet, names: Mapping[str, str]) -> None:
    """`names` gives the label of each dimension."""
    rows = _rows(out, "budget", [(line.budget, line) for line in snapshot.budgets], names)
    for amount, text in _AMOUNTS:
        for unit, word in _UNIT_WORDS:
            name = f"fusewatch_budget_{amount}_{word}"
            out.family(name, "gauge", text)
            values = ((labels, _amount(line, amount)) for labels, line in rows if line.unit is unit)
            shown = [(labels, value) for labels, value in values if value is not None]
            out.samples(name, [(labels, usd_json(v) if unit is Unit.USD else v) for labels, v in shown])
    name = "fusewatch_budget_estimated_dollars"
    out.family(name, "gauge", "The estimated part of what was spent of the budget: usage without a price in Langfuse.")
    out.samples(name, [(labels, usd_json(line.estimated)) for labels, line in rows if line.unit is Unit.USD])
    out.family("fusewatch_budget_used_ratio", "gauge", "Spent part of the budget; 1 is its limit.")
    out.samples("fusewatch_budget_used_ratio", [(labels, number(line.ratio)) for labels, line in rows])
    name = "fusewatch_budget_reset_timestamp_seconds"
    out.family(name, "gauge", "When the period of the budget ends; a rolling window has no end.")
    out.samples(name, [(labels, decimal(line.resets_ms, 3)) for labels, line in rows if line.resets_ms is not None])
    name = "fusewatch_budget_crossing_timestamp_seconds"
    out.family(name, "gauge", "When the forecast crosses the limit of the budget; absent where it does not.")
    crossings = ((labels, line.forecast.crosses_at_ms) for labels, line in rows if line.forecast is not None)
    out.samples(name, [(labels, decimal(at_ms, 3)) for labels, at_ms in crossings if at_ms is not None])
    people = _people(rules.budgets, snapshot)
    worst = dict.fromkeys(people, 0.0)
    over = dict.fromkeys(people, 0)
    for line in snapshot.budgets:
        if people_keyed(line):
            worst[line.budget] = max(worst.get(line.budget, 0.0), line.ratio)
            over[line.budget] = over.get(line.budget, 0) + _is_over(line)
    _write_people(out, "budget", worst, over)


def write_spikes(out: Exposition, snapshot: Snapshot, rules: RuleSet, names: Mapping[str, str]) -> None:
    """`names` gives the label of each dimension."""
    rows = _rows(out, "rule", [(line.rule, line) for line in snapshot.spikes], names)
    out.family(
        "fusewatch_spike_ratio", "gauge", "Today so far, or the last window, against the average of the days before."
    )
    out.samples("fusewatch_spike_ratio", [(labels, number(line.ratio)) for labels, line in rows])
    people = _people(rules.spikes, snapshot)
    worst = dict.fromkeys(people, 0.0)
    over = dict.fromkeys(people, 0)
    for line in snapshot.spikes:
        if people_keyed(line):
            worst[line.rule] = max(worst.get(line.rule, 0.0), line.ratio)
            over[line.rule] = over.get(line.rule, 0) + line.fires
    _write_people(out, "spike", worst, over)


def _rows(
    out: Exposition, label: str, lines: Iterable[tuple[str, _Line]], names: Mapping[str, str]
) -> list[tuple[str, _Line]]:
    """The lines that are not keyed by people, by the text of their labels. Of two alike, the higher ratio is shown."""
    rows: dict[str, _Line] = {}
    for rule, line in lines:
        if people_keyed(line):
            continue
        own = (label, "group", *(names[name] for name, _ in line.labels))
        labels = out.labels(own, (rule, line.group, *(value for _, value in line.labels)))
        if labels not in rows or line.ratio > rows[labels].ratio:
            rows[labels] = line
    return sorted(rows.items(), key=lambda row: row[0])


def _amount(line: BudgetLine, amount: str) -> int | None:
    match amount:
        case "limit":
            return line.limit
        case "spent":
            return line.spent
    found = line.forecast
    if found is None:
        return None
    return {"forecast": found.amount, "forecast_low": found.low, "forecast_high": found.high}[amount]


def _is_over(line: BudgetLine) -> bool:
    """Whether the limit is reached, as the notices judge it: a limit of nothing by the first spend."""
    return line.spent > 0 and line.spent >= line.limit


def _people(rules: Sequence[Rule], snapshot: Snapshot) -> list[str]:
    """The rules keyed by user or session that have been read from the start of their period."""
    return [rule.name for rule in rules if HIGH_CARDINALITY & set(rule.each) and rule.name not in snapshot.loading]


def _write_people(out: Exposition, kind: str, worst: Mapping[str, float], over: Mapping[str, int]) -> None:
    """Two gauges in place of one for each user or session, whose values never become labels."""
    label = "budget" if kind == "budget" else "rule"
    ratio = "fusewatch_budget_worst_used_ratio" if kind == "budget" else "fusewatch_spike_worst_ratio"
    out.family(ratio, "gauge", f"The highest ratio among the keys of a {kind} rule that is keyed by user or session.")
    out.samples(ratio, sorted_rows({out.labels((label,), (rule,)): number(value) for rule, value in worst.items()}))
    name = f"fusewatch_{kind}_keys_over"
    out.family(name, "gauge", f"How many keys of a {kind} rule that is keyed by user or session are over their limit.")
    out.samples(name, sorted_rows({out.labels((label,), (rule,)): count for rule, count in over.items()}))
