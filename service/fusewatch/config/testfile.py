"""A file of rule tests, read strictly: every mistake at once, each with its line and what would be right.

`docs/rule-tests.md` describes the format.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from fusewatch.app.ruletests import Expected, RuleTest, Spending, beginning
from fusewatch.config import words
from fusewatch.config.fields import kind_of
from fusewatch.config.rulefile import Loaded, load, load_text
from fusewatch.config.rulefile.source import read_files
from fusewatch.config.rulefile.yamltree import Path as TreePath
from fusewatch.config.rulefile.yamltree import Tree, read_tree
from fusewatch.config.words import Wrong, nearest, one_of, shown
from fusewatch.domain.notices import Reason
from fusewatch.domain.periods import day_span
from fusewatch.domain.rules import BUILT_IN_DIMENSIONS, RuleSet, Unit
from fusewatch.domain.usage import Amounts
from fusewatch.errors import ConfigError, Problem

T = TypeVar("T")

FIRST_DAY = date(2026, 6, 1)
"""Day 1 unless the file says another `start`: a Monday, the first of a month, no change of clocks soon."""

TOKENS_A_CALL = 1000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FILE_KEYS = ("version", "rules", "start", "tests")
_TEST_KEYS = ("name", "spend", "expect", "until")
_AMOUNTS = ("cost", "tokens", "requests")
_SPEND_KEYS = ("at", "daily", "hourly", "from", "to", "time", *_AMOUNTS)
_EXPECT_KEYS = ("at", "rule", "key", "reason", "severity", "threshold", "spent", "limit", "to")
_REASONS = (Reason.OPENED.value, Reason.ESCALATED.value, Reason.RESOLVED.value)
_TIME = re.compile(r"(?:day (?P<day>[0-9]{1,3})|(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2}))(?: (?P<clock>[0-9:]+))?")
_RIGHT_TIME = 'write it as "day 3 14:00" or "2026-06-03 14:00"'
_MOST_DAYS = 400
_MOST_HOURS = 24 * 100


@dataclass(frozen=True, slots=True)
class RuleTests:
    """The rules under test and the tests of one file."""

    file: str
    loaded: Loaded
    tests: tuple[RuleTest, ...]


def load_tests(path: Path, environ: Mapping[str, str]) -> RuleTests:
    """Read a file of rule tests and the rules that it names; raises ConfigError with every problem."""
    if not path.exists():
        raise ConfigError(
            [Problem(str(path), 0, "", "there is no such file", "docs/rule-tests.md shows how to write one")]
        )
    (part,) = read_files(path).parts if not path.is_dir() else [None]
    if part is None:
        raise ConfigError([Problem(str(path), 0, "", "this is a folder", "name the test files in it")])
    return load_tests_text(part.text, str(path), environ, folder=path.parent)


def load_tests_text(text: str, name: str, environ: Mapping[str, str], *, folder: Path) -> RuleTests:
    """The same for a text; a budget file that it names is looked for in `folder`."""
    tree, problems = read_tree(text, name)
    if problems:
        raise ConfigError(problems)
    reading = _Reading(tree)
    loaded = _rules(reading, environ, folder)
    if loaded is None:
        raise ConfigError(reading.problems)
    tests = tuple(_Tests(reading, loaded.rules).read())
    if reading.problems:
        raise ConfigError(reading.problems)
    return RuleTests(name, loaded, tests)


@dataclass(slots=True)
class _Reading:
    """The tree, and what was found wrong in it so far."""

    tree: Tree
    problems: list[Problem] = field(default_factory=list)

    def wrong(self, path: TreePath, what: str, right: str = "") -> None:
        self.problems.append(self.tree.place(path).problem(what, right))

    def line(self, path: TreePath) -> int:
        return self.tree.place(path).line

    def text(self, entry: Mapping[str, object], key: str, path: TreePath, parse: Callable[[str], T]) -> T | None:
        """The parsed value of a key, None when it is not there or cannot be read."""
        if key not in entry:
            return None
        value = entry[key]
        if not isinstance(value, str):
            self.wrong((*path, key), f"{kind_of(value)} stands here, not a text", "")
            return None
        try:
            return parse(value)
        except Wrong as wrong:
            self.wrong((*path, key), wrong.what.replace("{}", shown(value)), wrong.right)
            return None

    def mapping(
        self, value: object, path: TreePath, keys: tuple[str, ...], more: tuple[str, ...] = ()
    ) -> dict[str, object]:
        """A mapping with known keys only; empty where something else stands."""
        if not isinstance(value, dict):
            self.wrong(path, f"{kind_of(value)} stands here, not a mapping")
            return {}
        for key in value:
            if key not in keys and key not in more:
                right = nearest(key, (*keys, *more)) or f"known here: {', '.join(keys)}"
                self.wrong((*path, key), f"unknown key {shown(key)}", right)
        return value

    def entries(self, value: object, path: TreePath) -> Iterator[tuple[object, TreePath]]:
        if isinstance(value, list):
            yield from ((item, (*path, index)) for index, item in enumerate(value))
        elif value is not None:
            self.wrong(path, f"{kind_of(value)} stands here, not a list")


def _rules(reading: _Reading, environ: Mapping[str, str], folder: Path) -> Loaded | None:
    """The budget file that is named, or that stands inside as a block of text."""
    value = reading.mapping(reading.tree.values, (), _FILE_KEYS).get("rules")
    if not isinstance(value, str) or not value.strip():
        right = 'name the budget file, as "rules: ../budgets.yaml", or write it below "rules: |"'
        reading.wrong(("rules",) if "rules" in reading.tree.values else (), '"rules" is missing', right)
        return None
    try:
        if "\n" not in value.strip():
            return load(folder / value, environ, secrets=False)
        return load_text(value, reading.tree.place(()).file, environ, secrets=False)
    except ConfigError as error:
        if "\n" not in value.strip():
            raise
        above = reading.line(("rules",))
        raise ConfigError([replace(p, line=p.line + above, path=f"rules: {p.path}") for p in error.problems]) from None


class _Tests:
    """Reads the tests against the rules that they are about."""

    def __init__(self, reading: _Reading, rules: RuleSet) -> None:
        self._reading = reading
        self._rules = rules
        self._dimensions = (*BUILT_IN_DIMENSIONS, *(n for n, _ in rules.attribution if n not in BUILT_IN_DIMENSIONS))
        self._start = reading.text(reading.tree.values, "start", (), _date) or FIRST_DAY
        self._rule_names = (*(rule.name for rule in rules.rules), *rules.watches)

    def read(self) -> Iterator[RuleTest]:
        names: set[str] = set()
        if not self._reading.tree.values.get("tests"):
            self._reading.wrong((), '"tests" is missing', "write at least one test")
        for value, path in self._reading.entries(self._reading.tree.values.get("tests"), ("tests",)):
            entry = self._reading.mapping(value, path, _TEST_KEYS)
            name = self._reading.text(entry, "name", path, str) or ""
            if not name:
                self._reading.wrong(path, '"name" is missing', "say in a sentence what the rules shall do")
            elif name in names:
                self._reading.wrong((*path, "name"), f"{shown(name)} stands twice", "give each test a name of its own")
            names.add(name)
            yield self._test(name, entry, path)

    def _test(self, name: str, entry: Mapping[str, object], path: TreePath) -> RuleTest:
        reading = self._reading
        spend: list[Spending] = []
        for value, inner in reading.entries(entry.get("spend"), (*path, "spend")):
            keys = reading.mapping(value, inner, _SPEND_KEYS, self._dimensions)
            spend += self._spending(keys, inner)
        if not spend and not reading.problems:
            reading.wrong(path, '"spend" is missing', 'write what is spent, as - {at: "day 1 14:00", cost: $5}')
        expect = tuple(self._expected_of(entry, path))
        until_ms = reading.text(entry, "until", path, self._time)
        last_ms = max([s.at_ms for s in spend] + [e.at_ms for e in expect], default=self._midnight(self._start))
        from_ms = beginning(self._rules, spend, last_ms)
        return RuleTest(name, reading.line(path), from_ms, (until_ms or last_ms) + 120_000, tuple(spend), expect)

    # ------------------------------------------------------------ spend

    def _spending(self, entry: Mapping[str, object], path: TreePath) -> list[Spending]:
        forms = [key for key in ("at", "daily", "hourly") if key in entry]
        if len(forms) != 1:
            what = f"{one_of(forms).replace(' or ', ' and ')} exclude each other" if forms else "when is not said"
            self._reading.wrong(path, what, 'write one of "at", "daily" and "hourly"')
            return []
        unfit = {"at": ("from", "to", "time"), "daily": ("at", *_AMOUNTS), "hourly": ("time", *_AMOUNTS)}[forms[0]]
        for key in unfit:
            if key in entry:
                self._reading.wrong((*path, key), f'"{key}" has no meaning beside "{forms[0]}"', "remove it")
        if forms[0] == "at":
            at_ms = self._reading.text(entry, "at", path, self._time)
            found = self._amounts(entry, path)
            times = [] if at_ms is None else [at_ms]
        else:
            found = self._reading.text(entry, forms[0], path, _amount)
            times = self._days(entry, path) if forms[0] == "daily" else self._hours(entry, path)
        values = tuple(
            (k, v) for k in entry if k in self._dimensions and isinstance(v := self._value(entry, k, path), str)
        )
        return [Spending(at, found[0], values, found[1]) for at in times] if found else []

    def _value(self, entry: Mapping[str, object], key: str, path: TreePath) -> str | None:
        return self._reading.text(entry, key, path, str)

    def _amounts(self, entry: Mapping[str, object], path: TreePath) -> tuple[Amounts, bool] | None:
        if not any(key in entry for key in _AMOUNTS):
            self._reading.wrong(path, "how much is not said", "write cost: $5, tokens: 1000 or requests: 3")
            return None
        unpriced = entry.get("cost") == "unpriced"
        cost = 0 if unpriced else self._reading.text(entry, "cost", path, words.parse_money)
        tokens = self._reading.text(entry, "tokens", path, _whole)
        requests = self._reading.text(entry, "requests", path, _whole)
        return Amounts(cost or 0, TOKENS_A_CALL if tokens is None else tokens, requests or 1), unpriced

    def _days(self, entry: Mapping[str, object], path: TreePath) -> list[int]:
        """At `time` of each local day from the first to the last, both included."""
        first = self._reading.text(entry, "from", path, self._day) if "from" in entry else self._start
        last = self._reading.text(entry, "to", path, self._day) if "to" in entry else first
        clock = self._reading.text(entry, "time", path, words.parse_clock) if "time" in entry else 12 * 60
        if first is None or last is None or clock is None:
            return []
        count = (last - first).days + 1
        if not 1 <= count <= _MOST_DAYS:
            self._reading.wrong(
                path, f'"to" is not within {_MOST_DAYS} days from "from" on', "write the earlier day first"
            )
            return []
        at = f"{clock // 60:02}:{clock % 60:02}"
        return [self._local(first + timedelta(days=n), at) for n in range(count)]

    def _hours(self, entry: Mapping[str, object], path: TreePath) -> list[int]:
        """Every hour from the first instant on, before the last."""
        first = self._reading.text(entry, "from", path, self._time)
        last = self._reading.text(entry, "to", path, self._time)
        if first is None or last is None:
            if not ("from" in entry and "to" in entry):
                self._reading.wrong(path, '"hourly" needs "from" and "to"', 'as from: "day 1 08:00", to: "day 1 17:00"')
            return []
        if not 0 < last - first <= _MOST_HOURS * 3_600_000:
            self._reading.wrong(path, '"to" is not within 100 days after "from"', "write the earlier time first")
            return []
        return list(range(first, last, 3_600_000))

    # ------------------------------------------------------------ expect

    def _expected_of(self, entry: Mapping[str, object], path: TreePath) -> Iterator[Expected]:
        value, inner = entry.get("expect"), (*path, "expect")
        if value == "nothing":
            return
        if not value or isinstance(value, str):
            where = inner if "expect" in entry else path
            self._reading.wrong(where, "what to expect is not said", 'list the notices, or write "expect: nothing"')
            return
        for item, place in self._reading.entries(value, inner):
            found = self._expected(self._reading.mapping(item, place, _EXPECT_KEYS), place)
            if found is not None:
                yield found

    def _expected(self, entry: Mapping[str, object], path: TreePath) -> Expected | None:
        reading = self._reading
        for key in ("at", "rule"):
            if key not in entry:
                reading.wrong(path, f'"{key}" is missing', 'as {at: "day 1 14:00", rule: daily-cap}')
        at_ms = reading.text(entry, "at", path, self._time)
        rule = reading.text(entry, "rule", path, self._rule)
        reason = reading.text(entry, "reason", path, lambda t: Reason(words.parse_choice(t, _REASONS)))
        severity = reading.text(entry, "severity", path, words.parse_severity)
        threshold = reading.text(entry, "threshold", path, words.parse_percent)
        spent = reading.text(entry, "spent", path, words.parse_limit)
        limit = reading.text(entry, "limit", path, words.parse_limit)
        labels, to = self._key(entry, path), self._destinations(entry, path)
        if at_ms is None or rule is None:
            return None
        return Expected(
            at_ms,
            rule,
            reading.line(path),
            key=labels,
            reason=reason,
            severity=severity,
            threshold=threshold,
            measured=spent.amount if spent else None,
            limit=limit.amount if limit else None,
            to=to,
        )

    def _key(self, entry: Mapping[str, object], path: TreePath) -> tuple[tuple[str, str], ...] | None:
        if "key" not in entry:
            return None
        key = self._reading.mapping(entry["key"], (*path, "key"), (*self._dimensions, "dimension"))
        return tuple((name, value) for name, value in key.items() if isinstance(value, str))

    def _destinations(self, entry: Mapping[str, object], path: TreePath) -> frozenset[str] | None:
        if "to" not in entry:
            return None
        value = [entry["to"]] if isinstance(entry["to"], str) else entry["to"]
        known = tuple(self._rules.destinations)
        for name in value if isinstance(value, list) else ():
            if name not in known:
                right = nearest(str(name), known) or f"known here: {', '.join(known)}"
                self._reading.wrong((*path, "to"), f"there is no destination {shown(str(name))}", right)
        if not isinstance(value, list):
            self._reading.wrong((*path, "to"), f"{kind_of(value)} stands here, not a list")
            return None
        return frozenset(map(str, value))

    def _rule(self, text: str) -> str:
        if text in self._rule_names:
            return text
        right = nearest(text, self._rule_names) or f"known here: {', '.join(self._rule_names)}"
        raise Wrong("there is no rule {}", right)

    # ------------------------------------------------------------ times

    def _time(self, text: str) -> int:
        match = _TIME.fullmatch(text)
        if not match:
            raise Wrong("{} is not a time", _RIGHT_TIME)
        return self._local(self._date_of(match), match["clock"] or "00:00")

    def _day(self, text: str) -> date:
        match = _TIME.fullmatch(text)
        if not match or match["clock"]:
            raise Wrong("{} is not a day", 'write it as "day 3" or "2026-06-03"')
        return self._date_of(match)

    def _date_of(self, match: re.Match[str]) -> date:
        if match["day"]:
            return self._start + timedelta(days=int(match["day"]) - 1)
        try:
            return date.fromisoformat(match["date"])
        except ValueError:
            raise Wrong("{} is not a date", _RIGHT_TIME) from None

    def _local(self, day: date, clock: str) -> int:
        """The instant of a wall time in the zone of the budget file; the first, where the clock shows it twice."""
        try:
            at = datetime.fromisoformat(f"{day.isoformat()}T{clock}")
        except ValueError:
            raise Wrong("{} has no such time of day", _RIGHT_TIME) from None
        return (at.replace(tzinfo=ZoneInfo(self._rules.calendar.timezone)) - _EPOCH) // timedelta(milliseconds=1)

    def _midnight(self, day: date) -> int:
        return day_span(self._rules.calendar, day.toordinal())[0]


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Wrong("{} is not a date", "write it as 2026-06-01") from None


def _whole(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,15}", text):
        raise Wrong("{} is not a whole number", "write digits only, as 1000")
    return int(text)


def _amount(text: str) -> tuple[Amounts, bool]:
    """Of a day or an hour: money, tokens or requests."""
    limit = words.parse_limit(text)
    match limit.unit:
        case Unit.USD:
            return Amounts(limit.amount, TOKENS_A_CALL, 1), False
        case Unit.TOKENS:
            return Amounts(0, limit.amount, 1), False
        case Unit.REQUESTS:
            return Amounts(0, TOKENS_A_CALL * limit.amount, limit.amount), False
        case Unit.USD_PER_REQUEST:
            raise AssertionError("no limit is written so")
