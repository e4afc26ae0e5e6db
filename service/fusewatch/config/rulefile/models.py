"""The budget file as a whole."""

import re
from collections.abc import Iterator
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field, SecretStr

from fusewatch.config import words
from fusewatch.config.fields import Also, Text, complaint
from fusewatch.config.rulefile.destinations import AnyDestination, QuietHoursPart
from fusewatch.config.rulefile.kinds import (
    Amount,
    ClockTime,
    Dimensions,
    Duration,
    Flag,
    Label,
    Money,
    Name,
    Notify,
    Pattern,
    Percent,
    Price,
    Secret,
    SecretAddress,
    SeverityWord,
    WebAddress,
    Where,
    Words,
    choice,
    whole,
)
from fusewatch.config.rulefile.part import Complaint, Part
from fusewatch.config.rulefile.rulemodels import OVERRIDE_KEYS, BudgetPart, CalendarPart, SpikePart
from fusewatch.config.words import Wrong, nearest
from fusewatch.domain.cron import Cron, parse_cron
from fusewatch.domain.patterns import compile_pattern
from fusewatch.domain.rules import BUILT_IN_DIMENSIONS, HIGH_CARDINALITY, AttributionSource, Unit

SOURCE_FIELDS = (
    "trace_name",
    "operation",
    "type",
    "model",
    "environment",
    "user",
    "session",
    "release",
    "version",
    "prompt",
)
"""What of Langfuse's own a dimension may be taken from."""

RESERVED_DIMENSIONS = frozenset(
    {
        *OVERRIDE_KEYS,
        "budget",
        "group",
        "rule",
        "kind",
        "period",
        "severity",
        "token_type",
        "destination",
        "le",
        "quantile",
    }
)
"""Names that would clash with a metric's own labels or with an override's keys."""


def _version(text: str) -> int:
    if text != "1":
        raise Wrong("{} is no version of the budget file that this Fusewatch knows", "write version: 1")
    return 1


def _attributed_name(text: str) -> str:
    if text in BUILT_IN_DIMENSIONS and text not in ("feature", "team"):
        raise Wrong("{} comes from Langfuse itself", "choose another name for a dimension of your own")
    if text in RESERVED_DIMENSIONS:
        raise Wrong("{} is a word of Fusewatch's own", "choose another name for the dimension")
    return words.parse_label(text)


def _attribution_source(text: str) -> AttributionSource:
    if text in SOURCE_FIELDS:
        return AttributionSource("field", text)
    kind, dot, name = text.partition(".")
    if kind == "metadata" and dot and name and all(name.split(".")):
        return AttributionSource("metadata", name)
    kind, colon, name = text.partition(":")
    if kind == "tag" and colon and name.strip() == name and name:
        return AttributionSource("tag", name)
    right = nearest(text, SOURCE_FIELDS) or f'write metadata.NAME, "tag:NAME", or one of {", ".join(SOURCE_FIELDS)}'
    raise Wrong("{} is nothing that a dimension can be taken from", right)


def _regular_expression(text: str) -> re.Pattern[str]:
    try:
        return compile_pattern(text)
    except ValueError as error:
        raise Wrong(f"{{}} is not a regular expression that can be used ({error})", 'write "^my-model-", say') from None


def _per(text: str) -> int:
    match = re.fullmatch(r"([0-9]{1,9})([kKM]?)", text)
    number = int(match[1]) * {"": 1, "k": 1000, "K": 1000, "M": 1_000_000}[match[2]] if match else 0
    if not number:
        raise Wrong("{} is not a number of tokens", "write per: 1M")
    return number


def _cron(text: str) -> Cron:
    try:
        return parse_cron(text)
    except ValueError as error:
        raise Wrong(f"{{}} is not a cron line ({error})", 'write five fields, as "0 2 * * *"') from None


_FILES, _DATABASES = ("csv", "jsonl", "parquet"), ("sqlite", "postgresql")


def _export_target(text: str) -> str:
    kind, colon, rest = text.partition(":")
    if kind not in (*_FILES, *_DATABASES) or not colon or not rest:
        raise Wrong(
            "this is nowhere to export to", "write csv:/data/spend.csv; also jsonl, parquet, sqlite, postgresql"
        )
    return text


def _few(values: tuple[str, ...]) -> tuple[str, ...]:
    for name in values:
        if name in HIGH_CARDINALITY:
            raise complaint(f'"{name}" is never a label: each value would be a series', "remove it")
        if name == "project":
            raise complaint('"project" is always a label', "remove it")
    return values


def _switch(value: object) -> object:
    """``false`` is off, ``true`` is on with the defaults."""
    return {"true": {}, "false": None}.get(value, value) if isinstance(value, str) else value


_ON_OFF = Also(_switch, {"type": "boolean"})
_STRING = {"type": "string"}


class ProjectPart(Part):
    """A Langfuse project to read."""

    name: Name = Field(description="What the project is called here, in metrics and messages.")
    base_url: WebAddress = Field("https://cloud.langfuse.com", description="The address of its Langfuse.")
    public_key: Secret = Field(description='As "${NAME}".')
    secret_key: Secret = Field(description='As "${NAME}".')
    organisation: Name | None = Field(None, description="Projects of one organisation share its rate limits.")


class EnvironmentsPart(Part):
    """Environments that rules leave out unless their `where` names them."""

    exclude: tuple[Pattern, ...] = Field(description="Globs.")


class PricePart(Part):
    """A price for generations that Langfuse could not price."""

    match: Annotated[re.Pattern[str], Text(_regular_expression, _STRING, re.compile(""))] = Field(
        description="A regular expression."
    )
    input: Price | None = None
    output: Price | None = None
    cache_read: Price | None = None
    cache_write: Price | None = None
    reasoning: Price | None = None
    audio: Price | None = None
    other: Price | None = None
    per: Annotated[int, Text(_per, {"type": ["string", "integer"]}, 1_000_000)] = Field(1_000_000, description="1M")

    @classmethod
    def conflicts(cls, raw: dict[str, object]) -> Iterator[Complaint]:
        if not set(raw) & {"input", "output", "cache_read", "cache_write", "reasoning", "audio", "other"}:
            yield Complaint("", "no price stands here", "write input: 3.00 and output: 15.00, say")


class RetentionPart(Part):
    """How long things are kept."""

    rows: Duration | None = None
    totals: Duration | None = None

    def complaints(self) -> Iterator[Complaint]:
        if self.rows is not None and self.totals is not None and self.rows > self.totals:
            yield Complaint("totals", "totals would be dropped before their rows", "keep totals at least as long")


class MetricsPart(Part):
    """What `/metrics` shows of spend."""

    labels: Annotated[Dimensions, AfterValidator(_few)] = ("feature", "team", "model", "operation")
    max_series: Annotated[int, whole(1, 1_000_000)] = Field(5000, description="The rest goes to `__other__`.")


class HeartbeatPart(Part):
    """An address that is asked after every healthy round."""

    url: SecretAddress
    every: Duration = 300_000


class RoutePart(Part):
    """An owner: the first route that matches a key adds destinations, labels and a runbook."""

    where: Where = Field(description="Which keys: entries are AND, lists OR, globs.", min_length=1)
    notify: Notify = ()
    labels: dict[Label, Words] = Field(default_factory=dict)
    runbook: WebAddress = ""

    @classmethod
    def conflicts(cls, raw: dict[str, object]) -> Iterator[Complaint]:
        if not set(raw) & {"notify", "labels", "runbook"}:
            yield Complaint("", "this route adds nothing", 'write "notify", "labels" or "runbook"')


class AfterPart(Part):
    """A watch that fires after a time."""

    after: Duration | None = None


class UnpricedPart(Part):
    """Usage without a cost."""

    above: Amount | None = None

    def complaints(self) -> Iterator[Complaint]:
        if self.above is not None and self.above.unit is not Unit.REQUESTS:
            yield Complaint("above", "this watch counts requests", "write above: 100 requests")


class DriftPart(Part):
    """Ledger and Langfuse stay apart."""

    above: Money | None = None


class UnattributedPart(Part):
    """Spend whose dimension is unknown."""

    above: Percent | None = None
    floor: Money | None = None


class NewPart(Part):
    """The first money of a value never seen."""

    each: Dimensions = Field(min_length=1)
    floor: Money | None = None


class WatchPart(Part):
    """What Fusewatch watches by itself."""

    unreadable: Annotated[AfterPart | None, _ON_OFF] = Field(AfterPart.model_construct(), description="On.")
    unpriced: Annotated[UnpricedPart | None, _ON_OFF] = Field(UnpricedPart.model_construct(), description="On.")
    drift: Annotated[DriftPart | None, _ON_OFF] = Field(DriftPart.model_construct(), description="On.")
    unattributed: Annotated[UnattributedPart | None, _ON_OFF] = Field(
        UnattributedPart.model_construct(), description="On for each dimension that a rule uses."
    )
    silent: Annotated[AfterPart | None, _ON_OFF] = Field(None, description="Off; after 2h where it is true.")
    new: Annotated[NewPart | None, _ON_OFF] = None


class DigestPart(Part):
    """A report at a fixed time."""

    every: Annotated[str, choice("day", "week", "month")]
    at: ClockTime
    to: Notify


class ExportPart(Part):
    """A file or table that is written at fixed times."""

    cron: Annotated[Cron, Text(_cron, _STRING, parse_cron("0 0 * * *"))] = Field(
        description="Minute, hour, day, month, weekday, in the time zone of the file."
    )
    by: Dimensions = Field(("feature", "team"), description="What sums are split by.", min_length=1)
    to: Annotated[SecretStr, Text(_export_target, _STRING, SecretStr(""), secret=True)] = Field(
        description="As csv:/data/spend.csv, or the address of a database."
    )
    per: Annotated[str, choice("hour", "day", "week", "month")] | None = Field(None, description="Sums of each period.")
    rows: Flag = Field(False, description="Single generations in place of sums.")
    table: Name | None = Field(None, description="The table of a database, where the usual name will not do.")

    def complaints(self) -> Iterator[Complaint]:
        for key in ("by", "per") if self.rows else ():
            if key in self.model_fields_set:
                what = f'"{key}" is about sums, and rows: true writes single generations'
                yield Complaint(key, what, f'remove "{key}", or "rows"')
        kind = self.to.get_secret_value().partition(":")[0]
        if self.table is not None and kind not in _DATABASES:
            yield Complaint("table", f"there are no tables in a file of {kind}", 'remove "table"')


Sources: TypeAlias = tuple[
    Annotated[AttributionSource, Text(_attribution_source, _STRING, AttributionSource("field", "trace_name"))], ...
]
AttributedName: TypeAlias = Annotated[str, Text(_attributed_name, _STRING)]


class BudgetFile(CalendarPart):
    """The budget file of Fusewatch: what to watch, and who is told."""

    version: Annotated[int, Text(_version, {"const": 1}, 1)] = Field(description="Always 1.")
    projects: tuple[ProjectPart, ...] = Field((), description="Langfuse projects; without it, the environment's.")
    environments: EnvironmentsPart | None = Field(None, description="Which environments rules leave out.")
    attribution: dict[AttributedName, Annotated[Sources, Field(min_length=1)]] = Field(
        default_factory=dict, description="Where dimensions come from; the first source that yields a value wins."
    )
    prices: tuple[PricePart, ...] = Field((), description="Prices for generations that Langfuse could not price.")
    history: Duration = Field(35 * words.DAY_MS, description="How far back the first start reads at least.")
    retention: RetentionPart | None = Field(None, description="How long rows and totals are kept.")
    metrics: MetricsPart = Field(MetricsPart.model_construct(), description="What /metrics shows of spend.")
    heartbeat: HeartbeatPart | None = Field(None, description="An address that is asked after every healthy round.")
    destinations: dict[Name, AnyDestination] = Field(default_factory=dict, description="The places that can be told.")
    routes: tuple[RoutePart, ...] = Field((), description="Owners: the first match adds to its keys.")
    notify: Notify | None = Field(None, description="Destinations for what no route and no rule names.")
    repeat: dict[SeverityWord, Duration] = Field(default_factory=dict, description="Tell an open incident again.")
    quiet_hours: QuietHoursPart | None = Field(None, description="Hours in which notices wait.")
    budgets: tuple[BudgetPart, ...] = Field((), description="Limits.")
    spikes: tuple[SpikePart, ...] = Field((), description="Today so far against the days before.")
    watch: WatchPart = Field(
        WatchPart.model_construct(), description="What Fusewatch watches by itself; each may be tuned, or false."
    )
    digest: tuple[DigestPart, ...] = Field((), description="Reports at fixed times.")
    exports: tuple[ExportPart, ...] = Field((), description="Files and tables that are written at fixed times.")
