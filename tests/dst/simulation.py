"""Runs a history: boot after boot of the daemon, until everything has come to rest; returns what was seen."""

import gc
import hashlib
import io
import os
import random
import sqlite3
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from fusewatch.demo.standin.model import Mode
from fusewatch.errors import FusewatchError
from tests.dst.budgetfile import BROKEN, text_at
from tests.dst.disk import Disk, mounted
from tests.dst.history import Fault, History, canaries
from tests.dst.network import Asked, Network, Received
from tests.dst.oracle import Row
from tests.dst.process import Process, close, end
from tests.dst.universe import Killed, SimulatedLoop, Universe, wall_clock_for_timers

REBOOT_S = 10.0
"""How soon a supervisor starts a process again that ended by itself."""


@dataclass(slots=True)
class Seen:
    """What came of a history: requests, messages, the ledger at the end, and how often the process ended how."""

    history: History
    asked: list[Asked]
    received: list[Received]
    ledger: list[Row]
    crashes: list[tuple[int, str]] = field(default_factory=list)
    stops: list[tuple[int, int]] = field(default_factory=list)
    """From when to when no process ran."""
    faults: Counter[str] = field(default_factory=Counter)
    leaks: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    """What the daemon itself called a bug."""
    digest: str = ""
    log: list[str] = field(default_factory=list)
    printed: str = ""


def simulate(history: History) -> Seen:
    """Live through a history on a fresh database."""
    fast = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with TemporaryDirectory(dir=fast) as folder:
        return _Simulation(history, Path(folder)).run()


class _Log(io.StringIO):
    """What the daemon writes. A dead process writes nothing, whatever its last breath raised."""

    def __init__(self, disk: Disk) -> None:
        super().__init__()
        self._disk = disk

    def write(self, text: str, /) -> int:
        return len(text) if self._disk.dead else super().write(text)


class _Simulation:
    def __init__(self, history: History, folder: Path) -> None:
        self.history = history
        self.folder = folder
        self.universe = Universe(history.begins_ms, history.of("skew"))
        self.network = Network(history, self.universe, self._die)
        dice = random.Random(f"disk {history.seed}")
        self.disk = Disk(self.universe, history.of("disk"), dice, self._die)
        self.logged = _Log(self.disk)
        self.ahead = sorted(self._deeds(), key=lambda pair: pair[0])
        self.seen = Seen(history, self.network.asked, self.network.received, [])
        self.loop: SimulatedLoop | None = None
        self.process: Process | None = None
        self.downtime_s = REBOOT_S
        self.over = False

    def run(self) -> Seen:
        self._write(text_at(self.history, self.history.begins_ms))
        ends_s = self.universe.seconds_of(self.history.ends_ms)
        with mounted(self.disk), wall_clock_for_timers(self.universe):
            while True:
                self._boot()
                if self.over:
                    break
                off_ms = self.universe.true_ms()
                self.universe.now_s = min(self.universe.now_s + self.downtime_s, ends_s)
                self.seen.stops.append((off_ms, self.universe.true_ms()))
                self.downtime_s = REBOOT_S
            self.seen.ledger = self._ledger()
            self._look_for_secrets()
        self.seen.troubles += [f"{func} runs on a thread of its own" for func in set(self.universe.threaded)]
        self.seen.faults.update(self.network.faulted)
        self.seen.faults["disk"] = self.disk.refused
        self.seen.log = self.universe.log
        self.seen.digest = hashlib.blake2b("\n".join(self.universe.log).encode(), digest_size=16).hexdigest()
        return self.seen

    # ------------------------------------------------------------ boots

    def _boot(self) -> None:
        """From the start of a process to its end, whichever that is."""
        self.disk.dead = self.network.dead = False
        process = self.process = Process(self.history, self.universe, self.network, self.folder, self.logged)
        loop = self.loop = SimulatedLoop(self.universe)
        loop.set_exception_handler(lambda _loop, _context: None)
        for at_s, fault in self.ahead:
            loop.call_at(max(at_s, self.universe.now_s + 0.001), self._do, fault)
        task = loop.create_task(process.live())
        task.add_done_callback(lambda _: loop.stop())
        try:
            loop.run_forever()
            if self.disk.dead:
                raise Killed
            error = task.exception()
            if error is not None:
                raise error
            self.universe.note("process ended")
        except Killed:
            pass
        except FusewatchError as error:
            self.universe.note(f"process ended: {error}")
            self.seen.faults["refused start"] += 1
        finally:
            end(process, loop)
            with suppress(Killed):
                close(process)
            loop.close()
            self.loop = None
            del task
            gc.collect()

    def _die(self, where: str) -> None:
        """The process ends here and now."""
        self.seen.crashes.append((self.universe.true_ms(), where))
        self.universe.note(f"crash {where}")
        self.disk.dead = self.network.dead = True
        self.disk.fatal_at = self.network.fatal_at = None
        assert self.loop is not None
        self.loop.stop()
        raise Killed

    # ------------------------------------------------------------ what happens from outside

    def _deeds(self) -> list[tuple[float, Fault]]:
        """What is done at a time, once."""
        found = []
        for fault in self.history.faults:
            if fault.kind in ("crash", "stop", "edit", "bad_edit", "silence", "upgrade"):
                found.append((self.universe.seconds_of(fault.at_ms), fault))
            if fault.kind == "bad_edit":
                found.append((self.universe.seconds_of(fault.until_ms), Fault("edit", fault.until_ms)))
        found.append((self.universe.seconds_of(self.history.ends_ms), Fault("end", self.history.ends_ms)))
        return found

    def _do(self, fault: Fault) -> None:
        if self.disk.dead:
            return
        self.ahead = [pair for pair in self.ahead if pair[1] is not fault]
        self.seen.faults[fault.kind] += 1
        self.universe.note(f"{fault.kind} {fault.number} {fault.text}")
        try:
            self._act(fault)
        except Killed:
            pass
        except FusewatchError:
            pass  # a silence on a full disk: whoever made it sees the error

    def _act(self, fault: Fault) -> None:
        process = self.process
        assert process is not None
        match fault.kind:
            case "crash" if fault.text in ("before", "after"):
                self.disk.fatal_at, self.disk.after = self.disk.statements + fault.number, fault.text == "after"
            case "crash" if fault.text == "request":
                self.network.fatal_at = self.network.requests + 1 + fault.number % 5
                self.network.after = fault.number % 2 == 0
            case "crash":
                self._die("between two awaits")
            case "stop" | "end":
                self.over = fault.kind == "end"
                self.downtime_s = float(fault.number)
                if process.daemon is not None:
                    process.daemon.stop()
                else:
                    self._die("at the start")
            case "edit":
                self._write(text_at(self.history, self.universe.true_ms()))
            case "bad_edit":
                self._write(BROKEN[fault.number])
            case "silence":
                process.silence(fault)
            case "upgrade":
                self.network.standin.mode = Mode(fault.text)

    def _write(self, text: str) -> None:
        (self.folder / "budgets.yaml").write_text(text)
        if self.process is not None:
            self.process.written.set()

    # ------------------------------------------------------------ what is left

    def _ledger(self) -> list[Row]:
        """The rows that count, by plain SQL."""
        with closing(sqlite3.connect(self.folder / "fusewatch.db")) as raw:
            found = raw.execute(
                "SELECT p.project_id, g.trace, g.obs, g.start_ms, g.cost, g.total, g.pricing, d.feature, d.team,"
                " t.value, d.model FROM generation g JOIN project p ON p.id = g.project JOIN dims d ON d.id = g.dims"
                " JOIN text t ON t.id = g.person WHERE g.counted = 1 ORDER BY 1, 4, 2, 3"
            ).fetchall()
        return [
            Row(project.removeprefix("proj-"), trace.hex(), obs.hex(), start, cost, total, pricing != 0, *said)
            for project, trace, obs, start, cost, total, pricing, *said in found
        ]

    def _look_for_secrets(self) -> None:
        places = {"log": self.logged.getvalue(), "messages": "".join(r.body for r in self.seen.received)}
        self.seen.printed = places["log"]
        for path in sorted(self.folder.iterdir()):
            places[path.name] = path.read_bytes().decode("latin-1")
        for name, secret in canaries(self.history).items():
            self.seen.leaks += [f"{name} in {place}" for place, text in places.items() if secret in text]
        for line in places["log"].splitlines():
            if "loop_crashed" in line or "explanation_failed" in line or "sums_differ_from_rows" in line:
                self.seen.troubles.append(line[:2000])
