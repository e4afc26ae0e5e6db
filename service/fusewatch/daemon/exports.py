"""The loop of the scheduled exports: beside all other work, on a thread of its own."""

from dataclasses import dataclass, field
from functools import partial

from fusewatch.app.reports import Interrupted
from fusewatch.app.scheduled import Schedule, due_ms, write_due
from fusewatch.daemon.loops import Loops
from fusewatch.errors import Permanent, Retryable

LOOP = "exports"
AGAIN_S, LONGEST_S = 60.0, 3600.0
"""How soon a failed export is tried again at first, and at most: the pause doubles."""


@dataclass(slots=True)
class ExportLoop:
    """The exports of one budget file, one after the other; one that fails holds up no other."""

    loops: Loops
    schedules: tuple[Schedule, ...]
    failures: dict[str, int] = field(default_factory=dict)
    not_before: dict[str, float] = field(default_factory=dict)

    async def step(self) -> None:
        await self.loops.bells.wait(LOOP, self.loops.parts.tick_s)
        for schedule in self.schedules:
            if self._ended():
                return
            if self.loops.parts.clock.monotonic() >= self.not_before.get(schedule.mark, 0.0):
                await self._write(schedule)
                self.loops.bells.beat(LOOP)

    async def _write(self, schedule: Schedule) -> None:
        parts, now_ms = self.loops.parts, self.loops.parts.clock.now_ms()
        rules = parts.rulebook.rules
        zone = rules.calendar.timezone
        at_ms = await parts.run(lambda: due_ms(parts.store, schedule, zone, now_ms))
        if at_ms is None:
            return
        try:
            work = partial(write_due, parts.store, schedule, rules, at_ms, now_ms, self._nobody_waits)
            report = await parts.aside(work)
        except Interrupted:
            return
        except (Retryable, Permanent) as error:
            failed = self.failures[schedule.mark] = self.failures.get(schedule.mark, 0) + 1
            pause_s = min(AGAIN_S * 2 ** min(failed - 1, 10), LONGEST_S)
            self.not_before[schedule.mark] = parts.clock.monotonic() + pause_s
            parts.observer.exported(schedule.place, error)
        else:
            self.failures.pop(schedule.mark, None)
            parts.observer.exported(schedule.place, report)

    def _nobody_waits(self) -> bool:
        """Asked by an export on its way, from its thread: it is alive, and learns whether to give up."""
        ended = self._ended()
        if not ended:
            self.loops.bells.beat(LOOP)
        return ended

    def _ended(self) -> bool:
        return self.loops.bells.stop.is_set() or self.loops.replaced
