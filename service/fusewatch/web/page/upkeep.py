"""How the watcher itself is: the projects that it reads, and the notices that nobody got yet."""

from fusewatch.domain.money import format_usd
from fusewatch.domain.ratebudget import DAY_MS, HOUR_MS, MINUTE_MS, RateClass
from fusewatch.ports import ProjectState
from fusewatch.web.html import Markup, foreign, text
from fusewatch.web.page.parts import Shown, note, section, table
from fusewatch.web.words import duration, moment

_WINDOWS = {MINUTE_MS: "minute", HOUR_MS: "hour", DAY_MS: "day"}


def projects(shown: Shown) -> Markup:
    rows = [
        (
            foreign(project.name),
            foreign(_health(project, shown)),
            text("–" if project.last_success_ms is None else _moment(project.last_success_ms, shown)),
            text("–" if project.data_as_of_ms is None else duration(shown.now_ms - project.data_as_of_ms)),
            text(_drift(project)),
            text(_requests(project, shown)),
        )
        for project in shown.snapshot.projects
    ]
    if not rows:
        return section("projects", "Projects", "", note("No project has answered yet."))
    columns = ("project", "state", "last read", "lag", "ledger − Langfuse", "requests")
    return section("projects", "Projects", "and how well they are read", table("Projects", columns, rows, numbers=4))


def _moment(at_ms: int, shown: Shown) -> str:
    return moment(at_ms, shown.now_ms, shown.zone)


def _drift(project: ProjectState) -> str:
    if project.reconciled_ms is None:
        return "not compared yet"
    if not project.drift_pico:
        return "agree"
    return f"{'−' if project.drift_pico < 0 else '+'}{format_usd(abs(project.drift_pico))}"


def _requests(project: ProjectState, shown: Shown) -> str:
    """What the daemon asked of Langfuse since it started, how much of it Langfuse found too much, and what is left."""
    counts = {key: n for key, n in shown.process.requests.items() if key[0] == project.name}
    refused = sum(n for (_, _, status), n in counts.items() if status == "429")
    found = [f"{sum(counts.values()):,}"]
    if refused:
        found.append(f"{refused:,} over its limit")
    for used in shown.in_use.get(project.key, ()):
        what = "sums" if used.kind in (RateClass.METRICS_V1, RateClass.METRICS_V2) else "reads"
        left = f"{max(0, used.most - used.requests):,} of {used.most:,}"
        found.append(f"{left} {what} a {_WINDOWS.get(used.window_ms, duration(used.window_ms))} left")
    return ", ".join(found)


def _health(project: ProjectState, shown: Shown) -> str:
    if project.failing_since_ms is not None:
        since = _moment(project.failing_since_ms, shown)
        again = f", tried again {_moment(project.retry_at_ms, shown)}" if project.retry_at_ms is not None else ""
        return f"cannot be read since {since}: {project.failure_text or project.failure}{again}"
    if project.loaded_ms is None:
        return "its history is being read"
    return "is read, part of it anew by another attribution" if project.stale_ms else "is read"


def deliveries(shown: Shown) -> Markup | None:
    counts = shown.snapshot.deliveries
    waiting = sum(n for (_, state), n in counts.items() if state in ("pending", "claimed"))
    dead = sum(n for (_, state), n in counts.items() if state == "dead")
    if not waiting and not dead:
        return None
    rows = [
        (
            foreign(row.destination),
            text("dead" if row.state == "dead" else "waiting"),
            text(f"{row.kind}, after {row.attempts} attempts" if row.attempts else row.kind),
            foreign(row.text or row.reason),
            text(_moment(row.created_ms, shown)),
        )
        for row in shown.snapshot.stuck
    ]
    columns = ("destination", "state", "notice", "why", "since")
    title = "Deliveries"
    return section("deliveries", title, f"{waiting:,} waiting, {dead:,} dead", table(title, columns, rows, numbers=1))
