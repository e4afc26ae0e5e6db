"""The budget file of a history as it stands at a time, good or broken."""

from tests.dst.history import PICO, Budget, Destination, History, Override, Spike

BROKEN = (
    "version: 1\nbudgets: [{name: x, limit: $5, every: day\n",
    "version: 1\nbudgets:\n  - {name: x, limit: €5, every: day}\n",
    "version: 1\nbudgets:\n  - {name: x, limit: $5, every: fortnight, unheard_of: true}\n",
)


def text_at(history: History, at_ms: int) -> str:
    """The good file with the limits of that time."""
    projects = "".join(_project(history, name) for name in history.projects)
    return "\n".join(
        (
            "version: 1",
            f"timezone: {history.zone}",
            "history: 5d",
            f"projects:\n{projects}",
            "watch: {unattributed: false}",
            f"destinations:\n{''.join(map(_destination, history.destinations))}",
            f"notify: [{', '.join(d.name for d in history.destinations)}]",
            f"budgets:\n{''.join(_budget(budget, at_ms) for budget in history.budgets)}",
            f"spikes:\n{''.join(map(_spike, history.spikes))}",
            "",
        )
    )


def _project(history: History, name: str) -> str:
    host = "https://cloud.langfuse.com" if history.cloud else "http://langfuse.test"
    secret = "${" + f"{name.upper()}_SK" + "}"
    return f'  - {{name: {name}, base_url: "{host}", public_key: pk-{name}, secret_key: "{secret}"}}\n'


def _destination(one: Destination) -> str:
    address = "${" + f"{one.name.upper()}_URL" + "}"
    where = f'type: slack, webhook_url: "{address}"' if one.kind == "slack" else f'type: webhook, url: "{address}"'
    quiet = ""
    if one.quiet is not None:
        quiet = f', quiet_hours: {{from: "{one.quiet[0]}", to: "{one.quiet[1]}", except: [critical]}}'
    return f"  {one.name}: {{{where}, from: {one.least}{quiet}}}\n"


def _limit(budget: Budget, amount: int | None) -> str:
    if amount is None:
        return "none"
    return f"${amount // PICO}.{amount % PICO:012d}"[:-8] if budget.unit == "usd" else f"{amount} {budget.unit}"


def _override(budget: Budget, one: Override) -> str:
    until = f", until: {one.until}" if one.until else ""
    return f'{{{budget.each[0]}: "{one.value}", limit: {_limit(budget, one.amount)}{until}}}'


def _budget(budget: Budget, at_ms: int) -> str:
    limit = _limit(budget, [limit.amount for limit in budget.limits if limit.at_ms <= at_ms][-1])
    window = f"last: {budget.every[5:]}h" if budget.every.startswith("last:") else f"every: {budget.every}"
    parts = [f"name: {budget.name}", f"limit: {limit}", window]
    if budget.each:
        parts.append(f"each: [{', '.join(budget.each)}]")
    if budget.where:
        parts.append(f"where: {{{', '.join(f'{name}: {value}' for name, value in budget.where)}}}")
    if budget.zone:
        parts.append(f"timezone: {budget.zone}")
    if budget.thresholds != (50, 80, 100):
        parts.append(f"thresholds: [{', '.join(f'{percent}%' for percent in budget.thresholds)}]")
    if budget.overrides:
        parts.append(f"overrides: [{', '.join(_override(budget, one) for one in budget.overrides)}]")
    return f"  - {{{', '.join(parts)}}}\n"


def _spike(spike: Spike) -> str:
    return (
        f"  - {{name: {spike.name}, each: [{', '.join(spike.each)}], factor: {spike.factor}, floor: "
        f"${spike.floor_pico // PICO}, baseline: {{days: {spike.days}, at_least: {spike.at_least}}}}}\n"
    )
