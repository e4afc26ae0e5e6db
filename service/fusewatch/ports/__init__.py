"""What the passes need from the world. Adapters implement these; the composition root puts them together."""

from fusewatch.domain.coverage import Span as Span
from fusewatch.ports.assess import (
    AssessStore as AssessStore,
)
from fusewatch.ports.assess import (
    AssessUnit as AssessUnit,
)
from fusewatch.ports.assess import (
    Audited as Audited,
)
from fusewatch.ports.assess import (
    Due as Due,
)
from fusewatch.ports.assess import (
    Pruned as Pruned,
)
from fusewatch.ports.assess import (
    Row as Row,
)
from fusewatch.ports.assess import (
    RuleState as RuleState,
)
from fusewatch.ports.assess import (
    Totals as Totals,
)
from fusewatch.ports.clock import (
    Clock as Clock,
)
from fusewatch.ports.clock import (
    Runner as Runner,
)
from fusewatch.ports.deliver import (
    Claimed as Claimed,
)
from fusewatch.ports.deliver import (
    DeliverUnit as DeliverUnit,
)
from fusewatch.ports.desk import (
    DeskUnit as DeskUnit,
)
from fusewatch.ports.drivers import (
    Call as Call,
)
from fusewatch.ports.drivers import (
    DriverUnit as DriverUnit,
)
from fusewatch.ports.export import (
    Cell as Cell,
)
from fusewatch.ports.export import (
    Cells as Cells,
)
from fusewatch.ports.export import (
    Column as Column,
)
from fusewatch.ports.export import (
    FileTarget as FileTarget,
)
from fusewatch.ports.export import (
    Record as Record,
)
from fusewatch.ports.export import (
    TableTarget as TableTarget,
)
from fusewatch.ports.ingest import (
    EstimatePlace as EstimatePlace,
)
from fusewatch.ports.ingest import (
    IngestUnit as IngestUnit,
)
from fusewatch.ports.ingest import (
    ProjectState as ProjectState,
)
from fusewatch.ports.ingest import (
    Recorded as Recorded,
)
from fusewatch.ports.ingest import (
    Reestimated as Reestimated,
)
from fusewatch.ports.links import (
    Condition as Condition,
)
from fusewatch.ports.links import (
    Counted as Counted,
)
from fusewatch.ports.links import (
    Linker as Linker,
)
from fusewatch.ports.links import (
    RowsLink as RowsLink,
)
from fusewatch.ports.links import (
    RowsMeant as RowsMeant,
)
from fusewatch.ports.notify import (
    Notifier as Notifier,
)
from fusewatch.ports.notify import (
    Pinger as Pinger,
)
from fusewatch.ports.notify import (
    Receipt as Receipt,
)
from fusewatch.ports.notify import (
    Relay as Relay,
)
from fusewatch.ports.read import (
    DURATION_BOUNDS_S as DURATION_BOUNDS_S,
)
from fusewatch.ports.read import (
    CounterSeries as CounterSeries,
)
from fusewatch.ports.read import (
    DeliveryRow as DeliveryRow,
)
from fusewatch.ports.read import (
    DurationSeries as DurationSeries,
)
from fusewatch.ports.read import (
    Past as Past,
)
from fusewatch.ports.read import (
    PersonPlaces as PersonPlaces,
)
from fusewatch.ports.read import (
    Posted as Posted,
)
from fusewatch.ports.read import (
    ProjectCounters as ProjectCounters,
)
from fusewatch.ports.read import (
    ReadUnit as ReadUnit,
)
from fusewatch.ports.read import (
    StoredRules as StoredRules,
)
from fusewatch.ports.read import (
    Sums as Sums,
)
from fusewatch.ports.read import (
    Traces as Traces,
)
from fusewatch.ports.reports import (
    ClosedMonth as ClosedMonth,
)
from fusewatch.ports.reports import (
    Line as Line,
)
from fusewatch.ports.reports import (
    ReportUnit as ReportUnit,
)
from fusewatch.ports.reports import (
    TracePart as TracePart,
)
from fusewatch.ports.series import (
    CellSpan as CellSpan,
)
from fusewatch.ports.series import (
    ManySeriesUnit as ManySeriesUnit,
)
from fusewatch.ports.series import (
    SeriesUnit as SeriesUnit,
)
from fusewatch.ports.source import (
    BucketSum as BucketSum,
)
from fusewatch.ports.source import (
    Gate as Gate,
)
from fusewatch.ports.source import (
    GroupSum as GroupSum,
)
from fusewatch.ports.source import (
    GroupSums as GroupSums,
)
from fusewatch.ports.source import (
    ModelList as ModelList,
)
from fusewatch.ports.source import (
    NewModel as NewModel,
)
from fusewatch.ports.source import (
    Page as Page,
)
from fusewatch.ports.source import (
    PriceList as PriceList,
)
from fusewatch.ports.source import (
    ProjectIdentity as ProjectIdentity,
)
from fusewatch.ports.source import (
    RateMemory as RateMemory,
)
from fusewatch.ports.source import (
    Rejected as Rejected,
)
from fusewatch.ports.source import (
    Source as Source,
)
from fusewatch.ports.source import (
    Walk as Walk,
)
from fusewatch.ports.store import (
    Store as Store,
)
from fusewatch.ports.threads import (
    ThreadMemory as ThreadMemory,
)
from fusewatch.ports.threads import (
    ThreadUnit as ThreadUnit,
)
from fusewatch.ports.upkeep import (
    UpkeepUnit as UpkeepUnit,
)
