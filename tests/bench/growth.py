"""`make growth`: time, memory and database bytes as the ledger, the keys and the projects grow; a table and a plot.

Ledgers beyond 100,000 generations are that one day, written as the daemon writes it, copied inside the database.
Times are processor time where they are of this process. `--quick` takes sizes that only show that it works.
"""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory

from fusewatch.app.assess import Assessment, assess_pass
from fusewatch.app.snapshot import take_snapshot
from fusewatch.cli.picture import svg
from fusewatch.demo.standin import DEMO_PROJECT, StandinServer, Store
from fusewatch.domain.attribution import Resolver
from fusewatch.domain.periods import Every
from fusewatch.drawing.shapes import Dot, Drawing, Stroke, Words
from fusewatch.ports import ProjectIdentity
from fusewatch.store import SqlStore, open_store
from tests.bench import bench_assess, bench_fresh, ledgers
from tests.bench.bench_daemon import resident_after_reading, seconds_to_ready
from tests.process.home import Home, now_ms, spend

SIZES = ((10_000, 1), (100_000, 1), (100_000, 10), (100_000, 50))
KEYS = (100, 1_000, 10_000)
PROJECTS = (1, 10, 50)
PLOT = Path(__file__).parents[2] / "docs" / "images" / "growth.svg"
_BATCH, _ROUNDS = 2_000, 5


@dataclass(frozen=True, slots=True)
class Curve:
    """Values of one measurement at rising sizes."""

    name: str
    unit: str
    points: tuple[tuple[int, float], ...]


def main() -> None:
    quick = "--quick" in sys.argv
    sizes = ((500, 1), (500, 3)) if quick else SIZES
    keys, projects = ((20, 50), (1,)) if quick else (KEYS, PROJECTS)
    curves: list[Curve] = []
    parts: tuple[Callable[[], list[Curve]], ...] = (
        lambda: by_size(sizes),
        lambda: by_keys(keys),
        lambda: by_projects(projects, 3 if quick else 15),
    )
    for part in parts:
        found = part()
        print("\n".join(table(found)), flush=True)
        curves += found
    if not quick:
        PLOT.write_text(svg(plot(curves)), encoding="utf-8")


def by_size(sizes: Sequence[tuple[int, int]]) -> list[Curve]:
    """Each ledger in a folder of its own, with the daemon on it."""
    found: dict[str, list[tuple[int, float]]] = {}
    with TemporaryDirectory() as folder, StandinServer(Store(), now_ms=now_ms) as langfuse:
        langfuse.store.add([spend("0.01", feature=f"f{n % 60}", ago_s=60 + n / 20) for n in range(_BATCH)])
        identity = ProjectIdentity(langfuse.url, DEMO_PROJECT, "Demo", "org", "v2", "4.16.0")
        for number, (count, times) in enumerate(sizes):
            (Path(folder) / str(number)).mkdir()
            home = Home.make(Path(folder) / str(number), langfuse.url)
            home.write(ledgers.RULES)
            ledgers.write(home.database, identity, count, now_ms(), times=times)
            size = home.database.stat().st_size
            with open_store(f"sqlite:///{home.database}", holder="bench", exclusive=True) as store:
                record, judge = _work(store, identity.key)
            memory = resident_after_reading(home)
            ready = median(seconds_to_ready(home) for _ in range(3))
            home.end()
            for name, value in (
                ("recording a row|µs", record),
                ("judging 10 changes|ms", judge),
                ("database, a generation|bytes", size / (count * times)),
                ("memory of the daemon|MB", memory),
                ("start to ready|s", ready),
            ):
                found.setdefault(name, []).append((count * times, value))
            home.database.unlink()
    return [Curve(f"generations: {n.split('|')[0]}", n.split("|")[1], tuple(p)) for n, p in found.items()]


def _work(store: SqlStore, project: str) -> tuple[float, float]:
    """Processor time of recording a new row (µs), and of judging ten changes (ms)."""
    random, rules, at_ms = Random(5), ledgers.rules(), now_ms()
    record, judge = [], []
    revision = Resolver(rules.attribution).revision

    def add(rows: int) -> None:
        batch = [ledgers.generation(random, at_ms - 60_000 + n, ledgers.dimensions(n)) for n in range(rows)]
        ledgers.record(store, project, batch, revision, at_ms)

    given = Assessment(rules, frozenset((project,)), 0, expected=1)
    for _ in range(_ROUNDS):
        record.append(_cpu(lambda: add(_BATCH)) / _BATCH * 1e6)
        assess_pass(store, given, at_ms)
        add(10)
        judge.append(_cpu(lambda: assess_pass(store, given, at_ms)) * 1e3)
    return median(record), median(judge)


def by_keys(keys: Sequence[int]) -> list[Curve]:
    some, everything, shown = [], [], []
    rules = bench_assess.budgets(Every.DAY)
    for count in keys:
        with bench_assess.filled(count, count, rules) as store:

            def judged(touched: int, number: int, count: int = count, store: SqlStore = store) -> float:
                bench_assess.change(store, touched, count, number)
                return _cpu(lambda: bench_assess.assess(store, rules))

            def picture(store: SqlStore = store) -> None:
                active = frozenset((bench_assess.PROJECT.key,))
                take_snapshot(store, rules, active, now_ms=bench_assess.NOW_MS, started_ms=0)

            some.append((count, median(judged(10, n) for n in range(_ROUNDS)) * 1e3))
            everything.append((count, median(judged(count, 50 + n) for n in range(3)) * 1e3))
            shown.append((count, median(_cpu(picture) for _ in range(3)) * 1e3))
    return [
        Curve("keys: judging 10 changes", "ms", tuple(some)),
        Curve("keys: judging all at once", "ms", tuple(everything)),
        Curve("keys: a new picture for /metrics", "ms", tuple(shown)),
    ]


def by_projects(projects: Sequence[int], crossings: int) -> list[Curve]:
    measured = {count: bench_fresh.delays(crossings, count, bench_fresh.POLL_S) for count in projects}
    return [
        Curve("projects: memory of the daemon", "MB", tuple((n, memory) for n, (_, memory) in measured.items())),
        Curve("projects: readable to told, p50", "s", tuple((n, median(d)) for n, (d, _) in measured.items())),
        Curve("projects: readable to told, slowest", "s", tuple((n, max(d)) for n, (d, _) in measured.items())),
    ]


def table(curves: Sequence[Curve]) -> list[str]:
    """A Markdown table of curves over the same sizes."""
    sizes = [f"{size:,}" for size, _ in curves[0].points]
    return [
        f"| {curves[0].name.partition(':')[0]} | {' | '.join(sizes)} |",
        f"|---|{'---:|' * len(sizes)}",
        *(
            f"| {curve.name.partition(': ')[2]}, {curve.unit} | {' | '.join(f'{v:,.2f}' for _, v in curve.points)} |"
            for curve in curves
        ),
        "",
    ]


def plot(curves: Sequence[Curve]) -> Drawing:
    """A small field for each curve: its values as dots on a line, the sizes below."""
    columns, width, height = 4, 280, 150
    rows = -(-len(curves) // columns)
    drawing = Drawing(columns * width, rows * height)
    for number, curve in enumerate(curves):
        left, top = number % columns * width + 40, number // columns * height + 34
        high = max(value for _, value in curve.points) or 1.0
        bottom = top + height - 70
        drawing.shapes.append(Words(left - 20, top - 14, f"{curve.name}, {curve.unit}", "#1d2733"))
        drawing.shapes.append(Stroke(left - 20, bottom, left + width - 70, bottom, "#c9d1d9"))
        step = (width - 100) / max(len(curve.points) - 1, 1)
        places = [
            (left + at * step, bottom - (height - 90) * value / high) for at, (_, value) in enumerate(curve.points)
        ]
        drawing.shapes += [Stroke(*one, *other, "#9db7ea") for one, other in pairwise(places)]
        for (x, y), (size, value) in zip(places, curve.points, strict=True):
            drawing.shapes.append(Dot(x, y, 4, "#2563eb", f"{size:,}: {value:,.2f} {curve.unit}"))
            drawing.shapes.append(Words(x, y - 8, f"{value:,.0f}" if value >= 100 else f"{value:.3g}", anchor="middle"))
            drawing.shapes.append(Words(x, bottom + 16, _short(size), anchor="middle"))
    return drawing


def _short(size: int) -> str:
    return f"{size // 10**6} M" if size >= 10**6 else f"{size // 1000} k" if size >= 1000 else str(size)


def _cpu(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    main()
