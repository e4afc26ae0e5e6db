"""What the loops report becomes log lines and process metrics; the passes themselves do neither."""

from datetime import date

from structlog.typing import FilteringBoundLogger

from fusewatch.app.assess import AssessReport
from fusewatch.app.audit import AuditReport
from fusewatch.app.deliver import Attempt, Outcome
from fusewatch.app.ingest import IngestReport
from fusewatch.app.pricing import PricingReport
from fusewatch.app.prune import PruneReport
from fusewatch.app.reconcile import ReconcileReport
from fusewatch.app.scheduled import ExportReport
from fusewatch.app.totals import TotalsReport
from fusewatch.domain.money import usd_json
from fusewatch.domain.notices import Reason
from fusewatch.errors import ConfigError, FusewatchError, LeaseLost, Permanent, Retryable
from fusewatch.ports import Clock, ProjectState
from fusewatch.web.telemetry import Outcome as Counted
from fusewatch.web.telemetry import Telemetry

REJECTED_SHOWN = 5


class LogObserver:
    """Logs each decision once, where it is known, and counts it."""

    def __init__(self, log: FilteringBoundLogger, telemetry: Telemetry, clock: Clock) -> None:
        self._log = log
        self._telemetry = telemetry
        self._clock = clock
        self._unread: dict[str, int] = {}

    def ingested(self, project: ProjectState, report: IngestReport, seconds: float) -> None:
        log = self._log.bind(project=project.name)
        failure = report.failure
        self._telemetry.poll(project.name, seconds, failure.reason if failure else "")
        for row in report.rejected[:REJECTED_SHOWN]:
            log.warning("row_unreadable", id=row.id, field=row.field, problem=row.problem)
        if len(report.rejected) > REJECTED_SHOWN:
            log.warning("rows_unreadable", count=len(report.rejected))
        if failure is not None:
            level = log.error if isinstance(failure, Permanent) else log.warning
            level("read_failed", reason=failure.reason, error=str(failure))
        elif report.loaded:
            log.info("history_loaded")
        elif report.unread_ms:
            first = self._unread.setdefault(project.name, report.unread_ms)
            done = max(0, 100 - report.unread_ms * 100 // max(first, 1))
            log.info("history_loading", percent=done, rows=report.rows)
        if report.unread_ms == 0:
            self._unread.pop(project.name, None)
        if report.below_floor:
            log.warning("rows_below_floor", count=report.below_floor, counted=False)
        if report.new or report.changed:
            log.debug("rows_written", new=report.new, changed=report.changed)

    def reconciled(self, project: ProjectState, report: ReconcileReport) -> None:
        log = self._log.bind(project=project.name)
        if report.failure is not None:
            log.warning("reconcile_failed", reason=report.failure.reason, error=str(report.failure))
            return
        mended = [hour for hour in report.hours if hour.new or hour.changed or hour.gone]
        if mended:
            log.info(
                "ledger_mended",
                hours=len(mended),
                new=sum(hour.new for hour in mended),
                changed=sum(hour.changed for hour in mended),
                gone=sum(hour.gone for hour in mended),
            )
        if report.drift_pico:
            log.warning("ledger_differs", drift_usd=usd_json(report.drift_pico))

    def totalled(self, project: ProjectState, report: TotalsReport) -> None:
        log = self._log.bind(project=project.name)
        if report.failure is not None:
            log.warning("totals_unreadable", reason=report.failure.reason, error=str(report.failure))
        if not report.whole:
            log.warning("totals_cut_off", error="Langfuse names the 1,000 dearest groups only: sums are lower bounds")

    def priced(self, project: ProjectState, report: PricingReport) -> None:
        log = self._log.bind(project=project.name)
        if report.failure is not None:
            log.warning("prices_unreadable", reason=report.failure.reason, error=str(report.failure))
        if report.models is not None:
            log.debug("prices_fetched", models=report.models)
        if report.skipped:
            log.debug("prices_skipped", count=len(report.skipped), models=report.skipped[:REJECTED_SHOWN])
        if report.changed:
            log.info("estimates_changed", generations=report.changed)

    def unidentified(self, name: str, error: Exception) -> None:
        reason = error.reason if isinstance(error, Permanent | Retryable) else "internal"
        self._telemetry.poll(name, 0.0, reason)
        self._log.error("project_unidentified", project=name, reason=reason, error=str(error))

    def assessed(self, report: AssessReport) -> None:
        for fault in report.faults:
            self._log.error("explanation_failed", problem=fault)
        for change in report.changes:
            notice = change.notice
            incident = notice.incident
            money = incident.unit.is_money
            self._log.info(
                f"incident_{notice.reason.value}",
                rule=incident.rule,
                key=incident.group,
                period=incident.period,
                severity=notice.severity.word,
                threshold=float(notice.threshold) if notice.reason is not Reason.RESOLVED else None,
                measured=usd_json(incident.measured) if money else incident.measured,
                limit=usd_json(incident.limit) if money else incident.limit,
                timing=incident.timing.value,
                told=list(incident.told),
                held=list(change.held),
            )

    def pruned(self, report: PruneReport) -> None:
        for project, rows in report.rows.items():
            self._log.info("rows_pruned", project=project, rows=rows, before_ms=report.floor_ms)

    def audited(self, report: AuditReport) -> None:
        day = date.fromordinal(report.day).isoformat()
        for name, cells in report.found:
            self._log.error("sums_differ_from_rows", day=day, view=name, sums=cells, formed_anew=True)
        if not report.found:
            self._log.info("sums_audited", day=day, views=len(report.views))

    def attempted(self, attempt: Attempt) -> None:
        if attempt.outcome is Outcome.PART:
            return
        self._telemetry.notification(attempt.destination, Counted(attempt.outcome.value), attempt.reason)
        log = self._log.bind(destination=attempt.destination, delivery=attempt.delivery)
        match attempt.outcome:
            case Outcome.SENT:
                log.info("notification_sent")
            case Outcome.RETRY:
                log.warning("notification_delayed", reason=attempt.reason, error=attempt.text)
            case Outcome.DEAD:
                log.error("notification_dead", reason=attempt.reason, error=attempt.text)

    def pinged(self, error: FusewatchError | None) -> None:
        reason = error.reason if isinstance(error, Permanent | Retryable) else ""
        self._telemetry.heartbeat("failed" if error else "sent", reason)
        if error is not None:
            self._log.warning("heartbeat_failed", reason=reason, error=str(error))

    def exported(self, place: str, ended: ExportReport | Retryable | Permanent) -> None:
        if isinstance(ended, ExportReport):
            self._telemetry.export("written")
            self._log.info("export_written", target=place, records=ended.records, due_ms=ended.due_ms)
        else:
            self._telemetry.export("failed", ended.reason)
            self._log.error("export_failed", target=place, reason=ended.reason, error=str(ended), trying_again=True)

    def reloaded(self, error: ConfigError | None) -> None:
        self._telemetry.reload(error is None, self._clock.now_ms())
        if error is None:
            self._log.info("budget_file_loaded")
            return
        for problem in error.problems:
            self._log.error("budget_file_broken", problem=str(problem), going_on_with="the last good rules")

    def crashed(self, loop: str, error: Exception) -> None:
        if isinstance(error, FusewatchError | OSError):
            self._log.error("loop_failed", loop=loop, error=str(error), trying_again=True)
        else:
            self._log.error("loop_crashed", loop=loop, error=repr(error), trying_again=True, exc_info=error)

    def fenced(self, loop: str, error: LeaseLost) -> None:
        self._log.warning("write_refused", loop=loop, error=str(error))
