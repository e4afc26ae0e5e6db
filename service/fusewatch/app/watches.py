"""The watch for unreadable projects: when spend is unknown, that is said, and so is what happened in the gap."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction

from fusewatch.app.cells import Reading, spent
from fusewatch.app.post import Post
from fusewatch.app.windowcells import total
from fusewatch.domain.coverage import covers
from fusewatch.domain.incidents import fingerprint, stable_id
from fusewatch.domain.notices import Gap, Incident, Kind, Message, Notice, Reason, State
from fusewatch.domain.periods import cell_of, cell_start_ms, period_at
from fusewatch.domain.routing import gap_change, gap_messages, known_values, messages
from fusewatch.domain.rules import RuleSet, Severity, Unit
from fusewatch.domain.usage import Amounts
from fusewatch.domain.verdicts import judge_budget
from fusewatch.domain.views import View, totals_view
from fusewatch.ports import AssessUnit, ProjectState

UNREADABLE = "unreadable"
"""The name of the watch, where a rule's name would stand."""

NEAR = Fraction(4, 5)
"""Budgets from this share on are named when a project becomes unreadable."""


def watch_unreadable(
    unit: AssessUnit, reading: Reading, rules: RuleSet, views: Mapping[str, View], post: Post, *, link: str
) -> Iterator[list[Message]]:
    """Open an incident for each project not read for too long; end it when the gap has been read."""
    after = rules.unreadable.after_ms
    told = {incident.key[0]: incident for incident in unit.open_incidents(UNREADABLE)}
    for key in sorted(reading.active):
        project = reading.projects[key]
        open_now = told.pop(key, None)
        since = project.failing_since_ms
        if open_now is None:
            if after is not None and since is not None and reading.now_ms - since >= after:
                unknown_since = since if project.data_as_of_ms is None else min(since, project.data_as_of_ms)
                yield _open(unit, reading, rules, views, post, project, unknown_since, link)
            continue
        gap_is_read = since is None and covers(
            reading.coverage.get(key, ()), open_now.period_start_ms, project.data_as_of_ms or reading.now_ms
        )
        if gap_is_read:
            yield _close(unit, reading, rules, post, project, open_now, link)
    if len(reading.active) < reading.expected:
        return  # some project has not said yet who it is: the incident may be that one's
    for incident in told.values():
        gone = replace(incident, state=State.WITHDRAWN, changed_ms=reading.now_ms)
        unit.put_incident(gone)
        ended = post.end(gone, Reason.WITHDRAWN)
        yield messages(ended, rules.destinations, now_ms=reading.now_ms, link=link, start=None)


def _open(
    unit: AssessUnit,
    reading: Reading,
    rules: RuleSet,
    views: Mapping[str, View],
    post: Post,
    project: ProjectState,
    since_ms: int,
    link: str,
) -> list[Message]:
    period = f"since:{since_ms}"
    incident = Incident(
        id=stable_id(fingerprint(UNREADABLE, (project.key,), period), "1"),
        kind=Kind.UNREADABLE,
        rule=UNREADABLE,
        key=(project.key,),
        labels=(("project", project.name),),
        period=period,
        period_start_ms=since_ms,
        period_end_ms=since_ms,
        timezone=rules.calendar.timezone,
        episode=1,
        state=State.OPEN,
        severity=Severity.CRITICAL,
        level=Fraction(1),
        limit=0,
        unit=Unit.USD,
        measured=0,
        opened_ms=reading.now_ms,
        changed_ms=reading.now_ms,
        detail=project.failure_text,
    )
    gap = Gap(
        project.name,
        since_ms,
        None,
        project.failure_text,
        near=_near(unit, reading, rules, views),
        incident=incident.id,
    )
    change = post.tell(gap_change(incident, Reason.OPENED, rules, reading.now_ms))
    unit.put_incident(change.notice.incident)
    return gap_messages(change, gap, (), now_ms=reading.now_ms, link=link)


def _close(
    unit: AssessUnit,
    reading: Reading,
    rules: RuleSet,
    post: Post,
    project: ProjectState,
    incident: Incident,
    link: str,
) -> list[Message]:
    until = project.data_as_of_ms or reading.now_ms
    since = incident.period_start_ms
    cost = _cost(unit, totals_view(rules), project.key, since, until)
    ended = replace(incident, state=State.RESOLVED, changed_ms=reading.now_ms)
    gap = Gap(project.name, since, until, incident.detail, cost_pico=cost, incident=incident.id)
    change = post.tell(gap_change(ended, Reason.RESOLVED, rules, reading.now_ms))
    unit.put_incident(change.notice.incident)
    return gap_messages(
        change, gap, [post.linked(n) for n in _crossed(unit, reading, gap)], now_ms=reading.now_ms, link=link
    )


def _cost(unit: AssessUnit, view: View, project: str, from_ms: int, to_ms: int) -> int:
    """What the project spent from one instant to the other: whole quarter hours from the cells, both ends by row."""
    first, last = cell_of(from_ms - 1) + 1, cell_of(to_ms)
    if first > last:
        ends, inner = [(from_ms, to_ms)], Amounts()
    else:
        ends = [(from_ms, cell_start_ms(first)), (cell_start_ms(last), to_ms)]
        inner = total(amounts for _, amounts in unit.quarters(view.id, (project,), first, last))
    rows = (row for end in ends for row in unit.rows(*end) if row.project == project)
    return inner.cost_pico + total(row.amounts for row in rows).cost_pico


def _crossed(unit: AssessUnit, reading: Reading, gap: Gap) -> list[Notice]:
    """For each incident, the highest threshold that was crossed while the project could not be read."""
    found = []
    for incident in (*unit.ended_incidents(gap.since_ms), *unit.open_incidents()):
        if incident.kind.is_watch:
            continue
        in_gap = [
            c
            for c in incident.crossings
            if gap.since_ms <= c.at_ms < (gap.until_ms or 0) and c.severity >= Severity.WARNING
        ]
        if in_gap:
            highest = max(in_gap, key=lambda c: c.share)
            found.append(
                Notice(
                    incident=incident,
                    reason=Reason.OPENED,
                    severity=highest.severity,
                    threshold=highest.share,
                    at_ms=reading.now_ms,
                    as_of_ms=gap.until_ms or reading.now_ms,
                )
            )
    return found


def _near(
    unit: AssessUnit, reading: Reading, rules: RuleSet, views: Mapping[str, View]
) -> tuple[tuple[str, str, int], ...]:
    """The budgets at or above 80 % of their limit now, fullest first."""
    found = []
    for budget in rules.budgets:
        view = views[budget.name]
        period = period_at(budget.calendar, budget.every, reading.now_ms)
        for key in unit.keys(view.id, cell_of(period.start_ms)):
            labels = tuple(
                (name, reading.projects[value].name if name == "project" and value in reading.projects else value)
                for name, value in zip(budget.each, key, strict=True)
            )
            verdict = judge_budget(budget, known_values(budget, labels), spent(unit, view, key, period), reading.now_ms)
            if verdict is not None and verdict.limit > 0 and verdict.measured >= verdict.limit * NEAR:
                group = ",".join(f"{name}={value}" for name, value in labels)
                found.append((budget.name, group, verdict.measured * 100 // verdict.limit))
    return tuple(sorted(found, key=lambda near: -near[2]))
