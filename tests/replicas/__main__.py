"""`make replicas ROUNDS=200`: rounds of trouble, and a table of what came of them. SIGINT ends it after the round."""

import os
import random
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

from tests.process.home import wait_for
from tests.replicas.account import percentile
from tests.replicas.rounds import KILLS, NOTHING, Trouble, World, world

TROUBLES = (
    *[Trouble.KILL_HOLDER] * 8,
    *[Trouble.KILL_ANY] * 3,
    *[Trouble.KILL_SENDER] * 4,
    *[Trouble.KILL_TWO] * 3,
    *[Trouble.PAUSE] * 2,
    *[Trouble.TERMINATE] * 2,
    Trouble.RESTART,
    Trouble.FAILOVER,
)
"""In their shares."""

WITHIN_S = 20.0
"""How soon the work of a daemon is taken over, whatever happened to it."""


STILL_S = 2.0
"""Who got no turn for so long measures the machine, and not the daemons; what they hold may have ended meanwhile."""


def main() -> int:
    rounds, seed = int(os.environ.get("ROUNDS") or 20), int(os.environ.get("SEED") or 1)
    enough = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: enough.set())
    chance, began = random.Random(seed), time.monotonic()
    with tempfile.TemporaryDirectory() as folder, world(Path(folder), seed) as replicas:
        for number in range(rounds):
            if enough.is_set():
                break
            done = replicas.round(chance.choice(TROUBLES))
            print(f"{number + 1:4d}  {done.took_s:6.1f} s  {done.trouble.value}", flush=True)
            if done.stood_still_s > STILL_S:
                print(f"      the machine stood still for {done.stood_still_s:.1f} s: this round is not counted")
            elif done.took_s > WITHIN_S or done.unexplained:
                print(done.why, flush=True)
        replicas.ready()
        wait_for(lambda: replicas.difference() == NOTHING, "a ledger that equals the truth", 60)
        return _report(replicas, time.monotonic() - began)


def _report(replicas: World, seconds: float) -> int:
    print("\n| trouble | rounds | told again after, median | 99 % | longest |\n|---|---:|---:|---:|---:|")
    counted = [done for done in replicas.rounds if done.stood_still_s <= STILL_S]
    for trouble in Trouble:
        _line(trouble.value, [done.took_s for done in counted if done.trouble is trouble])
    _line("all kills", [done.took_s for done in counted if done.trouble in KILLS])
    _line("all", [done.took_s for done in counted])
    money, generations = replicas.difference()
    late = sum(done.took_s > WITHIN_S for done in counted)
    stopped = len(replicas.rounds) - len(counted)
    unexplained = sum(done.unexplained for done in counted)
    found, cut_off, lost = replicas.repeats(), replicas.cut_off, replicas.lost()
    print(f"\nrounds {len(replicas.rounds)} in {seconds / 60:.0f} min, above {WITHIN_S:.0f} s: {late}")
    print(f"rounds that are not counted, since the machine stood still: {stopped}")
    print(f"daemons killed {replicas.killed}, paused {replicas.paused}")
    woken, every = replicas.refused()
    print(f"writes refused for want of the lease: {woken} to those who woke up, {every} in all")
    print(
        f"sends cut off by a kill {cut_off.by_kill.total()}, by a pause {cut_off.by_pause.total()};"
        f" the receiver had {cut_off.heard} of them already"
    )
    print(f"notices due {len(replicas.expected)}, lost {lost}")
    print(
        f"posts repeated {found.all}, with the same id after a kill in mid-send {found.after_kill},"
        f" after a pause in mid-send {found.after_pause}, without such a reason {unexplained},"
        f" while the machine stood still {found.unexplained - unexplained},"
        f" under another id {found.under_two_ids}"
    )
    print(f"ledger minus truth: ${money:f}, {generations} generations")
    wrong = lost + unexplained + found.under_two_ids + late
    return int(wrong > 0 or (money, generations) != NOTHING)


def _line(name: str, took: list[float]) -> None:
    if took:
        figures = (percentile(took, 0.5), percentile(took, 0.99), max(took))
        print(f"| {name} | {len(took)} |" + "".join(f" {seconds:.1f} s |" for seconds in figures))


if __name__ == "__main__":
    sys.exit(main())
