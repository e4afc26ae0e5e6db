"""What is wrong, as the top of the page says it: one row for each finding, the worst first."""

from collections.abc import Iterator
from typing import NamedTuple, assert_never

from fusewatch.app.snapshot import Snapshot, Unmatched
from fusewatch.domain import foresight
from fusewatch.domain.notices import Hold, Incident, Kind, NoticeLink, Why
from fusewatch.domain.routing import known_values
from fusewatch.domain.rules import Severity, Unit
from fusewatch.web.html import Markup, el, foreign, join, text
from fusewatch.web.page.drivers import drivers
from fusewatch.web.page.forms import incident_forms
from fusewatch.web.page.parts import Shown
from fusewatch.web.words import amount, amount_of, duration, moment, percent

_MARKS = {Severity.CRITICAL: "●", Severity.WARNING: "◐", Severity.INFO: "○"}
"""A severity for the eye that sees no colour: fuller is worse."""

MOST_INCIDENTS = 200

_PERIODS = {"hour": "hourly", "day": "daily", "week": "weekly", "month": "monthly"}


class Finding(NamedTuple):
    """One thing that is wrong; `row` is its list item."""

    severity: Severity
    row: Markup


def verdict(snapshot: Snapshot, wrong: int, zone: str) -> str:
    """The one line that answers whether anything is wrong."""
    known = [project.data_as_of_ms for project in snapshot.projects if project.data_as_of_ms is not None]
    as_of = f", data as of {moment(min(known), snapshot.now_ms, zone)}" if known else ""
    if wrong:
        return f"{wrong:,} {'thing needs' if wrong == 1 else 'things need'} a look{as_of}"
    if not snapshot.projects:
        return "Waiting for the first answer of Langfuse"
    if any(project.loaded_ms is None for project in snapshot.projects):
        return f"Reading the history; quiet so far{as_of}"
    return f"All quiet{as_of}"


def findings(shown: Shown) -> list[Finding]:
    """Everything that is wrong and that the filters mean; what is wrong with the watcher itself is always meant."""
    return sorted(_found(shown), key=lambda one: -one.severity)


def _found(shown: Shown) -> Iterator[Finding]:
    snapshot, process, zone = shown.snapshot, shown.process, shown.zone
    for problem in shown.problems:
        yield _finding(Severity.CRITICAL, foreign(problem))
    if process.reload_ok is False:
        told = "The budget file has mistakes; the last good one stays in force. fusewatch check names them."
        yield _finding(Severity.WARNING, text(told))
    told_of = {incident.key[0] for incident in snapshot.open_incidents if incident.kind is Kind.UNREADABLE}
    for project in snapshot.projects:
        if project.failing_since_ms is not None and project.key not in told_of:
            since = f" cannot be read since {moment(project.failing_since_ms, snapshot.now_ms, zone)}"
            row = join(foreign(project.name), since, ": ", foreign(project.failure_text or project.failure))
            yield _finding(Severity.WARNING, row)
    for destination, state in sorted(snapshot.deliveries):
        count = snapshot.deliveries[destination, state]
        if state == "dead" and count:
            told = f" did not get {count:,} {'notice' if count == 1 else 'notices'}; nothing tries again."
            yield _finding(Severity.CRITICAL, join(foreign(destination), told))
    for unmatched in snapshot.unmatched:
        yield _finding(Severity.INFO, _unmatched(unmatched))
    meant = [one for one in snapshot.open_incidents if shown.fits(one.rule, one.labels)]
    meant.sort(key=lambda incident: -incident.severity)
    for incident in meant[:MOST_INCIDENTS]:
        yield _incident(shown, incident)
    rest = len(meant) - MOST_INCIDENTS
    if rest > 0:
        yield _finding(Severity.INFO, text(f"{rest:,} more open incidents"))


def _unmatched(unmatched: Unmatched) -> Markup:
    line = join(foreign(unmatched.rule), " matched nothing in 7 days")
    for misfit in unmatched.misfits:
        line = join(line, ": no ", foreign(misfit.dimension), " is ", foreign(" or ".join(misfit.patterns)))
        if misfit.nearest:
            line = join(line, ", did you mean ", foreign(" or ".join(misfit.nearest)), "?")
    return line


def _finding(severity: Severity, line: Markup, *more: Markup, id_: str | None = None) -> Finding:
    if more:
        inner = el("details", el("summary", mark(severity), line), *more, id=id_)
        return Finding(severity, el("li", inner, class_="item"))
    return Finding(severity, el("li", mark(severity), line, class_="item"))


def mark(severity: Severity) -> Markup:
    """The coloured sign of a severity, which also names it."""
    sign = el("span", _MARKS[severity], aria_hidden="true")
    return el("span", sign, el("span", f"{severity.word}: ", class_="hidden"), class_=f"mark {severity.word}")


def _incident(shown: Shown, incident: Incident) -> Finding:
    now_ms, zone = shown.now_ms, shown.zone
    facts = [
        f"{percent(crossing.share.numerator, crossing.share.denominator)} at {moment(crossing.at_ms, now_ms, zone)}"
        for crossing in incident.crossings
    ]
    facts.append(f"opened {moment(incident.opened_ms, now_ms, zone)}")
    if incident.period_end_ms > now_ms and not incident.rolling:
        facts.append(f"ends in {duration(incident.period_end_ms - now_ms)}")
    if incident.told:
        facts.append(f"told {', '.join(incident.told)}")
    facts.append(f"incident {incident.id}")
    more = [el("p", foreign(" · ".join(facts)))]
    if incident.detail:
        more.append(el("p", foreign(incident.detail)))
    why = shown.spending.why.get(incident.id) if shown.spending is not None else None
    if why is not None:
        more.append(drivers(why, now_ms, zone))
    more += [
        el("p", f"held until {moment(h.hold.until_ms, now_ms, zone)}: {held_by(h.hold)} of ", foreign(h.destination))
        for h in shown.snapshot.held_of(incident)
    ]
    links = shown.snapshot.links.get(incident.id, ())
    more += [_link(link) for link in links if link.url.startswith(("https://", "http://"))]
    forms = incident_forms(shown, incident)
    if forms is not None:
        more.append(forms)
    line = headline(incident, now_ms, zone)
    return _finding(incident.severity, join(line, *_handled(shown, incident)), *more, id_=f"incident-{incident.id}")


def _handled(shown: Shown, incident: Incident) -> Iterator[Markup]:
    """Who looks after it, and whether it is silenced, at the end of its line."""
    if incident.acked_ms is not None:
        at = moment(incident.acked_ms, shown.now_ms, shown.zone)
        yield el("small", " · acknowledged by ", foreign(incident.acked_by), f" {at}", class_="dim")
    facts = {**dict(incident.labels), "rule": incident.rule, "severity": incident.severity.word}
    rule = shown.rule(incident.rule)
    if rule is not None:
        facts = {**known_values(rule, incident.labels), **facts}
    facts["kind"] = incident.kind.value
    silence = next((one for one in shown.snapshot.silences if one.covers(facts)), None)
    if silence is not None:
        until = moment(silence.until_ms, shown.now_ms, shown.zone)
        yield el("small", f" · silenced until {until}", class_="dim")


def _link(link: NoticeLink) -> Markup:
    wider = join(" (wider: ", foreign(link.wider), ")") if link.wider else None
    return el("p", el("a", foreign(link.label), href=link.url, rel="noreferrer"), wider)


def held_by(hold: Hold) -> str:
    """`quiet hours`, `silence 01J…`."""
    return f"silence {hold.silence}" if hold.why is Why.SILENCE else "quiet hours"


def headline(incident: Incident, now_ms: int, zone: str) -> Markup:
    """What an incident is, in one line."""
    unit = incident.unit
    match incident.kind:
        case Kind.BUDGET:
            period = _PERIODS.get(incident.period.partition(":")[0], "")
            share = percent(incident.measured, incident.limit)
            sums = amount_of(incident.measured, incident.limit, unit) + _estimated(incident)
            if incident.window is not None:
                line = f" is at {share} of its budget: {sums} in the last {incident.window.words}"
            else:
                line = f" is at {share} of its {period} budget: {sums}"
            return join(_who(incident), line)
        case Kind.SPIKE:
            average = incident.baseline or 0
            times = f"{incident.measured / average:,.1f}x" if average else "far above"
            if incident.window is not None:
                span, usual = f"in the last {incident.window.words}", "its average at this time of day"
            else:
                span, usual = "so far", "its daily average"
            usual = "what is usual at this time of day" if incident.seasonal else usual
            word = "usual" if incident.seasonal else "average"
            sums = f"{amount(incident.measured, unit)} {span}{_estimated(incident)}, {word} {amount(average, unit)}"
            line = f" is at {times} {usual}: {sums}"
            return join(_who(incident), line)
        case Kind.FORECAST:
            return join(_who(incident), " is expected to cross its ", *_expected(incident, now_ms, zone))
        case Kind.UNREADABLE:
            since = moment(incident.period_start_ms, now_ms, zone)
            lasted = duration(now_ms - incident.period_start_ms)
            return join(
                _project(incident), f" cannot be read since {since} ({lasted}). Spend since then is unknown, not zero."
            )
        case Kind.UNPRICED | Kind.DRIFT | Kind.UNATTRIBUTED | Kind.SILENT:
            return join(_project(incident), ": ", *_watched(incident, now_ms, zone))
        case Kind.NEW:
            name, value = incident.labels[0] if incident.labels else incident.key
            line = f": {amount(incident.measured, unit)} since {moment(incident.period_start_ms, now_ms, zone)}"
            return join(foreign(value), " is a new ", foreign(name), line)
        case _:
            assert_never(incident.kind)


def _estimated(incident: Incident) -> str:
    """The part of an amount that is our own estimate."""
    return f" ({amount(incident.estimated, Unit.USD)} estimated)" if incident.estimated else ""


def _expected(incident: Incident, now_ms: int, zone: str) -> tuple[str, ...]:
    unit, found = incident.unit, incident.forecast
    period = _PERIODS.get(incident.period.removeprefix(foresight.PREFIX).partition(":")[0], "")
    sums = f": {amount_of(incident.measured, incident.limit, unit)} so far"
    if found is None:
        return f"{period} budget", sums
    about = "" if found.crosses_at_ms is None else f" about {moment(found.crosses_at_ms, now_ms, zone)}"
    return f"{period} budget{about}", f"{sums}, {amount(found.low, unit)} – {amount(found.high, unit)} at its end"


def _watched(incident: Incident, now_ms: int, zone: str) -> tuple[str | Markup, ...]:
    """What a watch over a project's day found."""
    unit = incident.unit
    if incident.kind is Kind.UNPRICED:
        models = ", ".join(f"{model} {requests:,}" for model, requests in incident.parts)
        line = f"{amount(incident.measured, unit)} without a price today ("
        if incident.estimated:
            cost = f"Their cost is estimated at {amount(incident.estimated, Unit.USD)}, as far as prices are known."
        else:
            cost = "Their cost is unknown, not zero."
        return line, foreign(models), f"). {cost}"
    if incident.kind is Kind.DRIFT:
        side = "less" if incident.measured < 0 else "more"
        line = f"the ledger holds {amount(abs(incident.measured), unit)} {side} than Langfuse, and nothing explains it"
        return line, ". By hour: fusewatch reconcile"
    if incident.kind is Kind.UNATTRIBUTED:
        whole = incident.baseline or 0
        share = f"{percent(incident.measured, whole)} of today's cost has no "
        return share, foreign(incident.key[-1]), f": {amount_of(incident.measured, whole, unit)}"
    since_ms = incident.crossings[0].at_ms if incident.crossings else incident.opened_ms
    line = f"no generation since {moment(since_ms, now_ms, zone)} ({duration(now_ms - since_ms)})"
    return line, ", where one always came at these hours"


def _project(incident: Incident) -> Markup:
    return foreign(incident.labels[0][1] if incident.labels else incident.rule)


def _who(incident: Incident) -> Markup:
    """The rule, and the key where there is one."""
    return join(
        foreign(incident.rule), " " if incident.group else None, foreign(incident.group) if incident.group else None
    )
