"""`fusewatch test`: the tests of a budget file, as `promtool test rules` runs those of alerting rules."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from fusewatch.app.backtest import Told
from fusewatch.app.ruletests import Expected, Verified, verify
from fusewatch.cli.common import JsonOption, environ, print_json
from fusewatch.config.testfile import RuleTests, load_tests
from fusewatch.domain.periods import local_clock
from fusewatch.errors import ConfigError, Problem
from fusewatch.notify.cards import headline
from fusewatch.notify.sheet import line_text


def command(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Files of rule tests.", show_default=False)],
    as_json: JsonOption = False,
) -> None:
    """Run the tests of budget files: given this spend, exactly these notices.

    Needs no network, no secret and no database. Exit code 0 when all pass, 1 when one fails, 2 for a file that cannot
    be read. The format is in docs/rule-tests.md.

    For example: fusewatch test config/tests/*.yaml
    """
    read: list[RuleTests] = []
    problems: list[Problem] = []
    for file in files:
        try:
            read.append(load_tests(Path(file), environ()))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    found = [(one, [verify(test, one.loaded.rules) for test in one.tests]) for one in read]
    if as_json:
        print_json([_document(*one) for one in found])
    else:
        for one, verified in found:
            _print(one, verified)
    if not all(v.passed for _, verified in found for v in verified):
        raise typer.Exit(1)


def _print(file: RuleTests, verified: Sequence[Verified]) -> None:
    zone = file.loaded.rules.calendar.timezone
    failed = [v for v in verified if not v.passed]
    for one in failed:
        print(f"{file.file}:{one.test.line}: FAILED: {one.test.name}")
        lines = [(e.at_ms, f"  - expected  {_expected(e, zone)}") for e in one.missing]
        lines += [(t.at_ms, f"  + got       {_told(t, zone)}") for t in one.unexpected]
        for _, line in sorted(lines, key=lambda line: line[0]):
            print(line)
    count = len(verified)
    what = f"{count} {'test' if count == 1 else 'tests'}"
    print(f"{file.file}: {what}, {len(failed)} failed." if failed else f"{file.file}: {what}, all passed.")


def _when(at_ms: int, zone: str) -> str:
    return f"{local_clock(zone, at_ms):%Y-%m-%d %H:%M}"


def _expected(expected: Expected, zone: str) -> str:
    words = [_when(expected.at_ms, zone), expected.rule]
    words += [f"{name}={value}" for name, value in expected.key or ()]
    words += [expected.reason.value] if expected.reason else []
    words += [f"{float(expected.threshold * 100):g}%"] if expected.threshold is not None else []
    words += [expected.severity.word] if expected.severity else []
    words += [f"to {', '.join(sorted(expected.to))}"] if expected.to is not None else []
    return f"{' '.join(words)}  (line {expected.line})"


def _told(told: Told, zone: str) -> str:
    notice, incident = told.notice, told.notice.incident
    words = [_when(told.at_ms, zone), incident.rule, *(f"{name}={value}" for name, value in incident.labels)]
    words += [notice.reason.value, f"{float(notice.threshold * 100):g}%", notice.severity.word]
    what = line_text(headline(notice), zone=zone, now_ms=told.at_ms)
    return f"{' '.join(words)} to {', '.join(told.destinations)}  ({what})"


def _document(file: RuleTests, verified: Sequence[Verified]) -> dict[str, object]:
    zone = file.loaded.rules.calendar.timezone
    return {
        "file": file.file,
        "tests": [
            {
                "name": one.test.name,
                "line": one.test.line,
                "passed": one.passed,
                "missing": [_expected(e, zone) for e in one.missing],
                "unexpected": [_told(t, zone) for t in one.unexpected],
            }
            for one in verified
        ],
    }
