"""What `/metrics` says: a snapshot and the process's own facts as Prometheus text."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from fusewatch.app.snapshot import Snapshot
from fusewatch.domain.money import usd_json
from fusewatch.domain.rules import HIGH_CARDINALITY, RuleSet, Severity
from fusewatch.domain.usage import TOKEN_TYPES
from fusewatch.ports import DURATION_BOUNDS_S
from fusewatch.web.rulemetrics import write_budgets, write_spikes
from fusewatch.web.telemetry import POLL_BOUNDS_S, Outcome, Process, Timings
from fusewatch.web.textformat import Exposition, decimal, label_names, sorted_rows

_ALWAYS = frozenset({"input", "output"})
"""Token types that every series shows, so that their first growth is seen; the others appear with their first token."""


def render(snapshot: Snapshot, process: Process, rules: RuleSet, destinations: Sequence[str]) -> bytes:
    """All of `/metrics`. The same facts give the same bytes, whatever order they come in."""
    out = Exposition()
    dimensions = {*snapshot.metric_labels, *(name for rule in rules.rules for name in rule.each)}
    dimensions.update(name for line in snapshot.budgets for name, _ in line.labels)
    dimensions.update(name for line in snapshot.spikes for name, _ in line.labels)
    names = label_names(dimensions)
    _write_usage(out, snapshot, names)
    _write_durations(out, snapshot)
    _write_spend(out, snapshot, names)
    write_budgets(out, snapshot, rules, names)
    write_spikes(out, snapshot, rules, names)
    _write_incidents(out, snapshot, rules)
    _write_projects(out, snapshot)
    _write_reading(out, process)
    _write_deliveries(out, snapshot, process, destinations)
    _write_process(out, process)
    return out.encode()


# ---------------------------------------------------------------- spend


@dataclass(slots=True)
class _Usage:
    """The sums of the series that share one set of labels."""

    tokens: list[int]
    cost_pico: int = 0
    debt_pico: int = 0
    requests: int = 0


class _Columns:
    """Which label values of a series are shown, under which names. Two series that then look alike are summed:
    projects of one name, or labels that were split by something that is no label."""

    def __init__(self, snapshot: Snapshot, names: Mapping[str, str]) -> None:
        hidden = HIGH_CARDINALITY | {"project"}
        shown = [(i, names[name]) for i, name in enumerate(snapshot.metric_labels, 1) if name not in hidden]
        self.names = ("project", *(name for _, name in shown))
        self._places = (0, *(place for place, _ in shown))
        self._all = self._places == tuple(range(len(snapshot.metric_labels) + 1))

    def of(self, values: tuple[str, ...]) -> Iterable[str]:
        return values if self._all else [values[place] for place in self._places]


def _write_usage(out: Exposition, snapshot: Snapshot, names: Mapping[str, str]) -> None:
    columns = _Columns(snapshot, names)
    summed: dict[str, _Usage] = {}
    for series in snapshot.counters:
        labels = out.labels(columns.names, columns.of(series.labels))
        usage = summed.get(labels)
        if usage is None:
            usage = summed[labels] = _Usage([0] * len(TOKEN_TYPES))
        usage.cost_pico += series.cost_pico
        usage.debt_pico += series.debt_pico
        usage.requests += series.requests
        usage.tokens = [a + b for a, b in zip(usage.tokens, series.tokens, strict=True)]
    rows = sorted(summed.items(), key=lambda row: row[0])
    out.family("llm_cost_dollars_total", "counter", "Cost of LLM calls as Langfuse reports it, in US dollars.")
    out.samples("llm_cost_dollars_total", [(labels, usd_json(usage.cost_pico)) for labels, usage in rows])
    out.family("llm_tokens_used_total", "counter", "Tokens used by type; the types do not overlap.")
    out.samples("llm_tokens_used_total", _token_rows(rows))
    out.family("llm_requests_total", "counter", "LLM calls with usage or cost.")
    out.samples("llm_requests_total", [(labels, usage.requests) for labels, usage in rows])
    name = "fusewatch_counter_debt_dollars"
    out.family(
        name, "gauge", "How far a cost counter stands above the true cost, after a cost was corrected downwards."
    )
    out.samples(name, [(labels, usd_json(usage.debt_pico)) for labels, usage in rows if usage.debt_pico > 0])


def _token_rows(rows: Iterable[tuple[str, _Usage]]) -> Iterator[tuple[str, int]]:
    kinds = [(f',token_type="{kind}"', kind in _ALWAYS) for kind in TOKEN_TYPES]
    for labels, usage in rows:
        for (label, always), count in zip(kinds, usage.tokens, strict=True):
            if count or always:
                yield labels + label, count


def _write_durations(out: Exposition, snapshot: Snapshot) -> None:
    name = "llm_request_duration_seconds"
    out.family(name, "histogram", "How long LLM calls took, from their start to their end.")
    summed: dict[str, tuple[tuple[int, ...], int]] = {}
    for series in snapshot.durations:
        labels = out.labels(("project", "model", "operation"), (series.project, series.model, series.operation))
        buckets, sum_ms = series.buckets, series.sum_ms
        if labels in summed:
            buckets = tuple(a + b for a, b in zip(buckets, summed[labels][0], strict=True))
            sum_ms += summed[labels][1]
        summed[labels] = (buckets, sum_ms)
    for labels, (buckets, sum_ms) in sorted(summed.items()):
        out.histogram(name, labels, DURATION_BOUNDS_S, buckets, decimal(sum_ms, 3))


def _write_spend(out: Exposition, snapshot: Snapshot, names: Mapping[str, str]) -> None:
    columns = _Columns(snapshot, names)
    summed: dict[str, tuple[int, int, int, int]] = {}
    for line in snapshot.spend:
        labels = out.labels(columns.names, columns.of(line.labels))
        day, month, day_estimate, month_estimate = summed.get(labels, (0, 0, 0, 0))
        summed[labels] = (
            day + line.day_pico,
            month + line.month_pico,
            day_estimate + line.day_estimate_pico,
            month_estimate + line.month_estimate_pico,
        )
    rows = sorted(summed.items())
    name = "llm_spend_dollars"
    out.family(name, "gauge", "Spend of the calendar day and month so far, exact, in US dollars.")
    for place, period in enumerate(("day", "month")):
        label = f'period="{period}",'
        out.samples(name, [(label + labels, usd_json(amounts[place])) for labels, amounts in rows])
    name = "llm_spend_estimated_dollars"
    out.family(name, "gauge", "What usage without a price in Langfuse is estimated to have cost, beside the spend.")
    estimated = [(labels, amounts[2:]) for labels, amounts in rows if any(amounts[2:])]
    for place, period in enumerate(("day", "month")):
        label = f'period="{period}",'
        out.samples(name, [(label + labels, usd_json(amounts[place])) for labels, amounts in estimated])


# ---------------------------------------------------------------- incidents


def _write_incidents(out: Exposition, snapshot: Snapshot, rules: RuleSet) -> None:
    watched = [*(rule.name for rule in rules.rules), *rules.watches]
    counts = {(rule, severity): 0 for rule in watched for severity in Severity}
    for incident in snapshot.open_incidents:
        for severity in Severity:
            counts.setdefault((incident.rule, severity), 0)
        counts[incident.rule, incident.severity] += 1
    rows = {out.labels(("rule", "severity"), (rule, severity.word)): n for (rule, severity), n in counts.items()}
    out.family("fusewatch_incidents_open", "gauge", "Open incidents.")
    out.samples("fusewatch_incidents_open", sorted_rows(rows))
    out.family("fusewatch_silences_active", "gauge", "Silences that hold notices back at this time.")
    out.samples("fusewatch_silences_active", [("", len(snapshot.silences))])
    name = "fusewatch_rule_last_match_timestamp_seconds"
    out.family(name, "gauge", "When something that the rule counts was last spent, to the quarter of an hour.")
    matches = {out.labels(("rule",), (rule,)): decimal(ms, 3) for rule, ms in snapshot.rule_last_match_ms.items()}
    out.samples(name, sorted_rows(matches))


# ---------------------------------------------------------------- reading Langfuse


def _write_projects(out: Exposition, snapshot: Snapshot) -> None:
    success: dict[str, int] = {}
    as_of: dict[str, int] = {}
    for project in snapshot.projects:
        labels = out.labels(("project",), (project.name,))
        success[labels] = max(success.get(labels, 0), project.last_success_ms or 0)
        if project.data_as_of_ms is not None:
            as_of[labels] = max(as_of.get(labels, 0), project.data_as_of_ms)
    name = "fusewatch_last_success_timestamp_seconds"
    out.family(name, "gauge", "When the project was last read completely; 0 before the first time.")
    out.samples(name, [(labels, decimal(ms, 3)) for labels, ms in sorted(success.items())])
    name = "fusewatch_data_lag_seconds"
    out.family(name, "gauge", "Age of the newest instant up to which the project was read.")
    out.samples(name, [(labels, decimal(max(snapshot.now_ms - ms, 0), 3)) for labels, ms in sorted(as_of.items())])
    drift: dict[str, int] = {}
    for project in snapshot.projects:
        if project.reconciled_ms is not None:
            labels = out.labels(("project",), (project.name,))
            drift[labels] = drift.get(labels, 0) + project.drift_pico
    name = "fusewatch_ledger_drift_dollars"
    out.family(name, "gauge", "Ledger minus Langfuse, what no known reason explains, at the last comparison.")
    out.samples(name, [(labels, decimal(pico, 12)) for labels, pico in sorted(drift.items())])
    _write_project_counters(out, snapshot)


def _write_project_counters(out: Exposition, snapshot: Snapshot) -> None:
    unpriced: dict[str, int] = {}
    unattributed: dict[str, int] = {}
    dropped: dict[str, int] = {}
    for counters in snapshot.project_counters:
        labels = out.labels(("project",), (counters.project,))
        unpriced[labels] = unpriced.get(labels, 0) + counters.unpriced_requests
        unattributed[labels] = unattributed.get(labels, 0) + counters.unattributed_pico
        dropped[labels] = dropped.get(labels, 0) + counters.series_dropped
    name = "fusewatch_unpriced_requests_total"
    out.family(
        name, "counter", "LLM calls with usage for which Langfuse knew no price: their cost is unknown, not zero."
    )
    out.samples(name, sorted_rows(unpriced))
    name = "fusewatch_unattributed_cost_dollars_total"
    out.family(name, "counter", "Cost of LLM calls without a feature or a team, in US dollars.")
    out.samples(name, [(labels, usd_json(pico)) for labels, pico in sorted(unattributed.items())])
    name = "fusewatch_series_dropped_total"
    out.family(
        name, "counter", "Sets of label values that were counted as __other__, because the series cap was reached."
    )
    out.samples(name, sorted_rows(dropped))


def _write_reading(out: Exposition, process: Process) -> None:
    name = "fusewatch_poll_duration_seconds"
    out.family(name, "histogram", "How long reading a project took.")
    for project, timings in sorted(process.polls.items()):
        _write_timings(out, name, out.labels(("project",), (project,)), timings)
    name = "fusewatch_poll_failures_total"
    out.family(name, "counter", "Reads of a project that failed.")
    failures = {out.labels(("project", "reason"), key): n for key, n in process.poll_failures.items()}
    out.samples(name, sorted_rows(failures))
    name = "fusewatch_langfuse_requests_total"
    out.family(name, "counter", "Requests to Langfuse by HTTP status, or by the reason why there was none.")
    requests = {out.labels(("project", "endpoint", "status"), key): n for key, n in process.requests.items()}
    out.samples(name, sorted_rows(requests))


def _write_timings(out: Exposition, name: str, labels: str, timings: Timings) -> None:
    out.histogram(name, labels, POLL_BOUNDS_S, timings.buckets, decimal(timings.sum_us, 6))


# ---------------------------------------------------------------- delivery and process


def _write_deliveries(out: Exposition, snapshot: Snapshot, process: Process, destinations: Sequence[str]) -> None:
    name = "fusewatch_notifications_total"
    out.family(name, "counter", "Attempts to deliver a notification.")
    attempts = {(destination, outcome.value, ""): 0 for destination in destinations for outcome in Outcome}
    attempts.update(process.notifications)
    rows = {out.labels(("destination", "outcome", "reason"), key): count for key, count in attempts.items()}
    out.samples(name, sorted_rows(rows))
    waiting = dict.fromkeys(destinations, 0)
    dead = dict.fromkeys(destinations, 0)
    for (destination, state), count in snapshot.deliveries.items():
        waits = count if state in ("pending", "claimed") else 0
        waiting[destination] = waiting.get(destination, 0) + waits
        dead[destination] = dead.get(destination, 0) + (count if state == "dead" else 0)
    for name, text, counts in (
        ("fusewatch_outbox_pending", "Notifications that wait to be delivered.", waiting),
        ("fusewatch_outbox_dead", "Notifications that could not be delivered and are not tried again.", dead),
    ):
        out.family(name, "gauge", text)
        out.samples(name, sorted_rows({out.labels(("destination",), (key,)): n for key, n in counts.items()}))


def _write_process(out: Exposition, process: Process) -> None:
    name = "fusewatch_config_last_reload_successful"
    out.family(name, "gauge", "1 when the budget file in force is the one on disk, 0 when that one has mistakes.")
    out.samples(name, [] if process.reload_ok is None else [("", int(process.reload_ok))])
    name = "fusewatch_config_last_reload_success_timestamp_seconds"
    out.family(name, "gauge", "When the budget file was last loaded without a mistake.")
    out.samples(name, [] if process.reloaded_ms is None else [("", decimal(process.reloaded_ms, 3))])
    name = "fusewatch_heartbeats_total"
    out.family(name, "counter", "Heartbeats sent to the watchdog of the budget file.")
    beats = {out.labels(("outcome", "reason"), key): count for key, count in process.heartbeats.items()}
    out.samples(name, sorted_rows(beats))
    name = "fusewatch_exports_total"
    out.family(name, "counter", "Scheduled exports that were written or failed.")
    out.samples(
        name, sorted_rows({out.labels(("outcome", "reason"), key): count for key, count in process.exports.items()})
    )
    out.family("fusewatch_build_info", "gauge", "The running version; always 1.")
    labels = out.labels(("version", "python"), (process.version, process.python))
    out.samples("fusewatch_build_info", [(labels, 1)])
