"""Units of work of the assess pass."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeVar

from fusewatch.domain.coverage import Span
from fusewatch.domain.holding import Held
from fusewatch.domain.metered import MeteredRead
from fusewatch.domain.notices import Incident, Message
from fusewatch.domain.rules import Unit
from fusewatch.domain.silences import Silence
from fusewatch.domain.usage import Amounts, Delta, Dimensions
from fusewatch.ports.drivers import DriverUnit
from fusewatch.ports.ingest import ProjectState
from fusewatch.ports.series import CellSpan, ManySeriesUnit

T = TypeVar("T")


class RuleState(NamedTuple):
    """What the store remembers of a rule. `revision` is a hash of its meaning when it was last judged as a whole;
    `ready_ms` when it was first judged over a period read from its start."""

    rule: str
    kind: str
    revision: str
    ready_ms: int | None


class Due(NamedTuple):
    """A key to judge although nothing touched it: a period ended, or a notice was held back."""

    rule: str
    key: tuple[str, ...]
    at_ms: int


class Row(NamedTuple):
    """One counted generation as the search for the exact crossing needs it."""

    project: str
    start_ms: int
    dimensions: Dimensions
    user: str
    session: str
    amounts: Amounts


class Totals(NamedTuple):
    """The whole ledger: counted generations, their cost, how many of them have usage but no price, and what these are
    estimated to cost beside it."""

    generations: int
    cost_pico: int
    unpriced: int
    estimate_pico: int = 0


class Pruned(NamedTuple):
    """One step of pruning a project: how many rows went, before which instant there are none now, whether more wait."""

    rows: int
    floor_ms: int
    more: bool


class Audited(NamedTuple):
    """The last audit: when it ended, which day it looked at (a day index), and what it found wrong, to be told: rule
    or use of each view that was formed anew, and how many of its cells differed, by `off_pico` at the most."""

    at_ms: int
    day: int
    found: tuple[tuple[str, int], ...] = ()
    off_pico: int = 0


class AssessUnit(ManySeriesUnit, Protocol):
    """One write transaction of the assess pass: what it takes, changes and enqueues becomes true together."""

    def projects(self) -> Sequence[ProjectState]: ...

    def coverage(self) -> Mapping[str, Sequence[Span]]:
        """The spans read, by project key; sorted, disjoint, merged where they touch."""

    def take_deltas(self, limit: int) -> Sequence[Delta]:
        """Take up to `limit` changes, oldest first; they are gone when the transaction commits."""

    def built_views(self) -> frozenset[str]: ...

    def known_from(self) -> Mapping[str, int]:
        """By view: before which instant its cells lack what had been pruned when it was built. Views that lack nothing
        are left out."""

    def build_view(
        self,
        view: str,
        key_of: Callable[[str, Dimensions, str, str], tuple[str, ...] | None],
        day_of: Callable[[int], int],
        *,
        uses_people: bool,
    ) -> None:
        """Form the cells of a view from the rows. Only when no delta is left to take. Of one that was built before,
        the cells from before the rows begin stay.

        `day_of` maps a 15-minute cell to the day index of the view's calendar.
        """

    def begin_view(self, view: str) -> None:
        """Keep a view that the ledger adds nothing to. Cells that it has stay."""

    def drop_views(self, keep: frozenset[str]) -> None: ...

    def add(self, view: str, key: tuple[str, ...], cell: int, day: int, amounts: Amounts) -> None:
        """Add to the key's 15-minute cell and to its day cell."""

    def keys(self, view: str, from_cell: int) -> Sequence[tuple[str, ...]]:
        """The keys that spent anything in or after `from_cell`."""

    def reaching(
        self, view: str, keys: Collection[tuple[str, ...]], span: CellSpan, least: int, unit: Unit
    ) -> Collection[tuple[str, ...]]:
        """Those of the keys that spent `least` of the unit or more in the span, and maybe some that spent a little
        less. ValueError for a unit that is no sum."""

    def rows(self, from_ms: int, to_ms: int) -> Sequence[Row]:
        """The counted generations of all projects that start in the span, by start time. Meant for one cell."""

    def unpriced(self, project: str, from_ms: int, to_ms: int) -> Sequence[tuple[Dimensions, int, int]]:
        """How many counted generations of the span have usage and no price, or one for only part of it, and what they
        are estimated to cost beside their price, for each set of dimensions that has any. It reads those generations
        only."""

    def rule_states(self) -> Mapping[str, RuleState]: ...

    def put_rule_state(self, state: RuleState) -> None: ...

    def drop_rule(self, rule: str) -> None: ...

    def incident(self, rule: str, key: tuple[str, ...], period: str) -> Incident | None:
        """The latest episode, whatever its state."""

    def prepare_incidents(
        self, rule: str, keys: Collection[tuple[str, ...]], periods: Collection[str]
    ) -> Collection[tuple[str, ...]]:
        """Read the latest episodes of many keys together, so that `incident` answers from memory for them; which of the
        keys have any."""

    def open_incidents(self, rule: str | None = None) -> Sequence[Incident]: ...

    def ended_incidents(self, from_ms: int) -> Sequence[Incident]:
        """Those that rolled over with a period that ended after the instant."""

    def put_incident(self, incident: Incident) -> None: ...

    def due(self, now_ms: int) -> Sequence[Due]: ...

    def set_due(self, rule: str, key: tuple[str, ...], at_ms: int | None) -> None:
        """When to judge the key again; None forgets it."""

    def forget_due(self, rule: str, now_ms: int) -> None:
        """Forget of all keys of the rule that they were to be judged again by now."""

    def enqueue(self, message: Message) -> bool:
        """Put a message into the outbox. False, and no change, when its id is there already."""

    def silences(self, now_ms: int) -> Sequence[Silence]:
        """Those that are active."""

    def held(self) -> Sequence[Held]:
        """All notices that wait, in the order in which they were first held."""

    def put_held(self, held: Held) -> None:
        """Keep it; one incident has one for each destination, and the latest counts."""

    def drop_held(self, incident_id: str, destination: str) -> None: ...

    def incident_by_id(self, incident_id: str) -> Incident | None: ...

    def is_known(self, dimension: str, value: str) -> bool:
        """Whether the value was seen before, as `know` was told."""

    def know(self, dimension: str, values: Collection[str]) -> None:
        """Remember the values for ever, whatever is pruned."""

    def values(self, dimension: str) -> Sequence[str]:
        """As `ReadUnit.values`."""

    def totals(self) -> Totals: ...

    def mark(self, name: str) -> int | None:
        """The number that was last put under this name, None when none ever was: when something was last done."""

    def put_mark(self, name: str, value: int) -> None: ...

    def metered_reads(self) -> Mapping[tuple[str, str], MeteredRead]:
        """When Langfuse's own sums were last read for a view, by view and project key."""

    def put_metered_read(self, view: str, project: str, read: MeteredRead) -> None:
        """Kept as long as the view."""

    def audited(self) -> Audited | None: ...

    def drivers(self) -> DriverUnit | None:
        """Where drivers are looked for; None where notices are not explained, as in a replay."""


class AssessStore(Protocol):
    """What the assess pass needs of a store: the database has it, and so has a replay in memory."""

    def assess(self, work: Callable[[AssessUnit], T], /) -> T: ...
