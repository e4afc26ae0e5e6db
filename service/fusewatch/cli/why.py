"""`fusewatch why`: what a rule says of a key now or at an earlier time, who was told, and what kept the others."""

from collections.abc import Iterator
from dataclasses import asdict
from shlex import quote
from typing import Annotated, assert_never

import typer

from fusewatch.app.why import Present, Question, explain
from fusewatch.app.whyfacts import Explained, Hindrance, KeyLine, Overview, Rung, Subject, Told, Untold
from fusewatch.cli import completing
from fusewatch.cli.common import ConfigOption, DatabaseOption, JsonOption, environ, holder, print_json
from fusewatch.cli.inforce import parse_stored, rules_in_force
from fusewatch.cli.status import amount
from fusewatch.cli.times import instant_ms
from fusewatch.config.settings import load_settings
from fusewatch.domain.incidents import Standing
from fusewatch.domain.money import format_usd
from fusewatch.domain.periods import Last, local_clock
from fusewatch.domain.rules import Budget, Method, Rule, Unit
from fusewatch.domain.verdicts import measure
from fusewatch.runtime import SystemClock
from fusewatch.store import open_store
from fusewatch.web.whybody import why_body

_WHEN = "A date, an instant, or how long ago, such as -2h; in the time zone of the budget file."


def command(
    rule: Annotated[
        str,
        typer.Argument(metavar="RULE", help="A budget or a spike of the budget file.", autocompletion=completing.rules),
    ],
    key: Annotated[
        str | None,
        typer.Argument(metavar="[KEY]", help="As in a notice: team=content, or feature=a,team=b, or only content."),
    ] = None,
    at: Annotated[str, typer.Option("--at", metavar="TIME", help=_WHEN)] = "now",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Why a rule told what it told, and what kept the rest.

    Without KEY, a rule with `each` tells its worst keys. An earlier time shows what was known then, beside what is
    known now of the same span. It works with the daemon running or stopped.

    For example: fusewatch why each-feature summarization --at 2026-11-22T16:42
    """
    settings = load_settings(environ(), config=config, database_url=database)
    with open_store(settings.database_url.get_secret_value(), holder=holder(), exclusive=False) as store:
        rules = rules_in_force(settings, store)
        now_ms = SystemClock().now_ms()
        at_ms = None if at == "now" else instant_ms(at, "--at", zone=rules.calendar.timezone, now_ms=now_ms)
        active = store.read(lambda unit: frozenset(project.key for project in unit.projects()))
        present = Present(rules, parse_stored, active, now_ms)
        answer = store.read(lambda unit: explain(unit, present, Question(rule, key, at_ms)))
    if as_json:
        print_json(asdict(why_body(answer)))
        return
    for line in lines_of(answer):
        print("".join(sign if sign.isprintable() else "?" for sign in line))  # names may hold terminal escapes


def lines_of(answer: Explained | Overview) -> Iterator[str]:
    """The answer as people read it. Times are those of the rule's zone."""
    if isinstance(answer, Overview):
        yield from _about(answer.subject, "")
        yield from _keys(answer)
    else:
        yield from _about(answer.subject, answer.group)
        yield from _spent(answer)
        yield from _limit(answer)
        for rung in answer.rungs:
            yield from _rung(rung, answer)
        yield from _outlook(answer)


def _about(subject: Subject, group: str) -> Iterator[str]:
    rule, zone = subject.rule, subject.rule.calendar.timezone
    yield f"{rule.name} {group}".strip() + f": {_words(rule)}"
    period = subject.period
    span = f"{_clock(period.start_ms, zone)} – {_clock(period.end_ms, zone)} {zone}"
    as_of = _clock(subject.as_of_ms, zone, seconds=True)
    yield f"  at {_clock(subject.at_ms, zone)}, data as of {as_of}; counted: {span}"
    version = subject.version
    if not subject.existed:
        yield "  The rule was not in the budget file then; this is what today's says."
    elif version.since_ms is not None:
        told = f"  Judged by the budget file of {_clock(version.since_ms, zone)}"
        until = f", in force until {_clock(version.until_ms, zone)}" if version.until_ms is not None else ""
        yield f"{told}{until}." + (" Today's file says otherwise." if subject.differs else "")
    else:
        yield "  No budget file is kept from that time; this is the oldest that is."
    if subject.standing is Standing.LOADING:
        yield "  Still loading: its period has not been read from its start, so nothing is judged yet."
    elif subject.standing is Standing.CATCHING_UP:
        yield "  Part of its period is not read: the amounts are at least so high."
    if subject.stale_ms:
        yield f"  {-(-subject.stale_ms // 3_600_000):,} hours are read again since attribution changed."
    if subject.misfits is not None:
        yield "  It matched nothing in its period and in 7 days."
        for misfit in subject.misfits:
            near = f"; did you mean {' or '.join(misfit.nearest)}?" if misfit.nearest else ""
            yield f"    no {misfit.dimension} is {' or '.join(misfit.patterns)}{near}"


def _words(rule: Rule) -> str:
    each = f", for each {' and '.join(rule.each)}" if rule.each else ""
    if isinstance(rule, Budget):
        span = f"in any {rule.every.words}" if isinstance(rule.every, Last) else f"a {rule.every.value}"
        return f"at most {amount(rule.limit.amount, rule.limit.unit)} {span}{each}"
    what = "today so far" if rule.last is None else f"the last {rule.last.words}"
    if rule.method is Method.SEASONAL:
        return f"{what} against what is usual at this time of day{each}"
    days = f"{rule.baseline.using.value} of {rule.baseline.days} days"
    floor = amount(rule.floor, Unit.USD if rule.unit.is_money else rule.unit)
    return f"{what} above {float(rule.factor):g}x the {days}, and at least {floor} more{each}"


def _spent(answer: Explained) -> Iterator[str]:
    spend, unit, subject = answer.spend, answer.unit, answer.subject
    whole = "limit" if isinstance(subject.rule, Budget) else "line"
    share = f", {answer.measured * 100 // answer.limit:,} % of the {whole}" if answer.limit else ""
    now = measure(spend.now, unit)
    guess = f" ({format_usd(spend.now.estimate_pico)} of it estimated)" if spend.now.estimate_pico else ""
    known = "" if spend.now == spend.then else f" as known then, {amount(now, unit)} as known now"
    yield f"  spent {amount(answer.measured, unit)}{known}{share}{guess}"
    if spend.late.requests:
        late = amount(measure(spend.late, unit if unit is not Unit.USD_PER_REQUEST else Unit.USD), unit)
        yield f"    {_calls(spend.late.requests)} worth {late} came after {_at(subject.at_ms, subject)}"
    if spend.changed:
        sign = "-" if spend.changed_pico < 0 else "+"
        yield f"    {_calls(spend.changed)} changed since then: {sign}{format_usd(abs(spend.changed_pico))}"
    if answer.baseline is not None:
        days = ", ".join(amount(day, unit) for day in answer.days)
        yield f"  baseline {amount(answer.baseline, unit)}" + (f"; its days, latest first: {days}" if days else "")


def _limit(answer: Explained) -> Iterator[str]:
    if not answer.overridden:
        return
    held = "no limit" if answer.limit is None else f"limit {amount(answer.limit, answer.unit)}"
    because = f': "{answer.because}"' if answer.because else ""
    until = f", until {_at(answer.limit_until_ms, answer.subject)}" if answer.limit_until_ms is not None else ""
    yield f"  an override holds, {held}{because}{until}"


def _rung(rung: Rung, answer: Explained) -> Iterator[str]:
    subject = answer.subject
    only = rung.untold[0] if rung.untold and not rung.told else None
    if only is not None and only.reason in (Untold.LIMIT_NONE, Untold.TOO_FEW_DAYS):
        yield f"  {_reason(only, rung, answer)}"
        return
    head = f"  {float(rung.share * 100):g} % {rung.severity.word}, {amount(rung.amount, answer.unit)}"
    if rung.crossed_ms is None:
        yield f"{head}: {'; '.join(_reason(one, rung, answer) for one in rung.untold)}"
        return
    learned = "" if rung.learned_ms is None else f", learned {_at(rung.learned_ms, subject)}"
    yield f"{head}: crossed {_at(rung.crossed_ms, subject)}{learned}"
    for told in rung.told:
        yield f"    {_told(told, subject)}"
    for one in rung.untold:
        yield (
            f"    {one.destination}: {_reason(one, rung, answer)}"
            if one.destination
            else (f"    {_reason(one, rung, answer)}")
        )


def _told(told: Told, subject: Subject) -> str:
    if told.sent_ms is not None:
        return f"{told.destination}: told {_at(told.sent_ms, subject)}"
    said = f" after {told.attempts} attempts: {told.text}" if told.text else ""
    after = f", next attempt {_at(told.next_ms, subject)}" if told.next_ms is not None and told.attempts else ""
    return f"{told.destination}: waits to be sent{after}{said}"


def _reason(one: Hindrance, rung: Rung, answer: Explained) -> str:  # noqa: PLR0911, PLR0912 - one sentence for each
    until = "" if one.until_ms is None else f" until {_at(one.until_ms, answer.subject)}"
    match one.reason:
        case Untold.NOT_CROSSED:
            pace = "" if rung.expected_ms is None else f"; at this pace about {_at(rung.expected_ms, answer.subject)}"
            return f"not crossed, {amount(rung.missing, answer.unit)} missing{pace}"
        case Untold.LOADING:
            return "not judged while its period is loading"
        case Untold.CATCHING_UP:
            return "waits until the gap is read: below 100 % a lower bound says nothing"
        case Untold.TOO_FEW_DAYS:
            return f"not judged: {len(answer.days)} days to compare with are too few"
        case Untold.NOT_IN_FORCE:
            return "the rule was not in force"
        case Untold.NOT_JUDGED:
            return "passed, and no pass of the daemon has judged it"
        case Untold.RECORDED_ONLY:
            return "recorded only: it was learned too late to announce"
        case Untold.SILENCED:
            return f"silence {one.silence} held it{until}"
        case Untold.QUIET_HOURS:
            return f"quiet hours held it{until}"
        case Untold.BELOW_FROM:
            return f"takes {one.least.word if one.least else 'nothing'} and above"
        case Untold.LIMIT_NONE:
            return "no limit holds, so nothing is told"
        case Untold.DESTINATION_DEAD:
            return f"could not be told, and nothing tries again: {one.detail}"
        case Untold.ANNOUNCED_WITH:
            return f"told with {one.detail}, crossed at once"
        case Untold.ANNOUNCED_BEFORE:
            return "counts as announced before"
        case Untold.NOTHING_MATCHED:
            return "nothing matched"
        case Untold.NO_DESTINATION:
            return "told nobody: no destination is named"
        case _:
            assert_never(one.reason)


def _outlook(answer: Explained) -> Iterator[str]:
    found = answer.forecast
    if found is not None:
        low, high = amount(found.low, answer.unit), amount(found.high, answer.unit)
        yield f"  at its end {low} – {high}"
    for told in answer.warned:
        yield f"  warned that the limit will be crossed: {_told(told, answer.subject)}"


def _keys(answer: Overview) -> Iterator[str]:
    rule = answer.subject.rule
    if not answer.lines:
        yield "  No key spent anything in this period."
        return
    for line in answer.lines:
        yield f"  {_standing_of(line)}"
    if answer.total > len(answer.lines):
        yield f"  … and {answer.total - len(answer.lines):,} more"
    yield f"One of them: fusewatch why {quote(rule.name)} {quote(answer.lines[0].group)}"


def _standing_of(line: KeyLine) -> str:
    spent = amount(line.measured, line.unit)
    if line.limit is None:
        return f"{line.group}: {spent}, no limit or too few days"
    share = f" ({line.measured * 100 // line.limit:,} %)" if line.limit > 0 else ""
    return f"{line.group}: {spent} of {amount(line.limit, line.unit)}{share}"


def _calls(count: int) -> str:
    return "1 call" if count == 1 else f"{count:,} calls"


def _at(at_ms: int | None, subject: Subject) -> str:
    """An instant, without its date where that is the one asked about."""
    assert at_ms is not None
    zone = subject.rule.calendar.timezone
    same = local_clock(zone, at_ms).date() == local_clock(zone, subject.at_ms).date()
    return f"{local_clock(zone, at_ms):%H:%M}" if same else _clock(at_ms, zone)


def _clock(at_ms: int, zone: str, *, seconds: bool = False) -> str:
    at = local_clock(zone, at_ms)
    return f"{at.day} {at:%b %H:%M:%S}" if seconds else f"{at.day} {at:%b %H:%M}"
