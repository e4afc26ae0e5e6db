"""`make replicas ROUNDS=200`: many rounds of trouble, and a table of what came of them."""

import os
import random
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from tests.process.home import wait_for
from tests.replicas.rounds import NOTHING, Round, Trouble, World, world

TROUBLES = (
    *[Trouble.KILL_HOLDER] * 8,
    *[Trouble.KILL_ANY] * 3,
    *[Trouble.KILL_SENDER] * 5,
    *[Trouble.KILL_TWO] * 3,
    *[Trouble.TERMINATE] * 2,
    *[Trouble.RESTART] * 2,
    Trouble.PAUSE,
)
"""In their shares; a pause lasts as long as a lease, so it is rare."""


def main() -> int:
    rounds, seed = int(os.environ.get("ROUNDS") or 20), int(os.environ.get("SEED") or 1)
    most_s = float(os.environ.get("SECONDS_AT_MOST") or 1e9)
    chance, began = random.Random(seed), time.monotonic()
    with tempfile.TemporaryDirectory() as folder, world(Path(folder), seed) as replicas:
        for number in range(rounds):
            if time.monotonic() - began > most_s:
                break
            done = replicas.round(chance.choice(TROUBLES))
            print(f"{number + 1:4d}  {done.took_s:6.1f} s  {done.trouble.value}", flush=True)
        replicas.ready()
        wait_for(lambda: replicas.difference() == NOTHING, "a ledger that equals the truth", 60)
        return _report(replicas)


def _report(replicas: World) -> int:
    by: dict[Trouble, list[Round]] = {}
    for done in replicas.rounds:
        by.setdefault(done.trouble, []).append(done)
    print("\n| trouble | rounds | told again after, median | longest |\n|---|---:|---:|---:|")
    for trouble in Trouble:
        took = [done.took_s for done in by.get(trouble, ())]
        if took:
            print(f"| {trouble.value} | {len(took)} | {median(took):.1f} s | {max(took):.1f} s |")
    money, generations = replicas.difference()
    allowed = replicas.killed + replicas.paused
    print(f"\nrounds {len(replicas.rounds)}, daemons killed {replicas.killed}, paused {replicas.paused}")
    print(f"notices due {len(replicas.expected)}, lost {replicas.lost()}")
    print(f"notices doubled {replicas.doubled()} (a kill or a pause in the middle of a send may; those were {allowed})")
    print(f"ledger minus truth: ${money:f}, {generations} generations")
    return int(replicas.lost() > 0 or replicas.doubled() > allowed or (money, generations) != NOTHING)


if __name__ == "__main__":
    sys.exit(main())
