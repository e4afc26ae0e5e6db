"""`python -m tests.dst`: run histories by seed, print what came of them, and shrink the first that goes wrong."""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence

from tests.dst.author import write
from tests.dst.shrink import shrunk
from tests.dst.verdict import Outcome, live


def main(arguments: Sequence[str]) -> int:
    """0 when every history came right."""
    parser = argparse.ArgumentParser(prog="python -m tests.dst", description=__doc__)
    parser.add_argument("--seed", type=int, help="run this one history and print its events")
    parser.add_argument("--seeds", type=int, default=20, help="how many histories to run")
    parser.add_argument("--first", type=int, default=1, help="the first of their seeds")
    parser.add_argument("--minutes", type=float, default=0, help="start no further history after so many minutes")
    parser.add_argument("--keep-on", action="store_true", help="go on after a failure, and shrink nothing")
    parser.add_argument("--log", help="write the events of --seed to this file")
    given = parser.parse_args(arguments)
    if given.seed is not None:
        outcome = live(write(given.seed))
        print(_line(outcome))
        if given.log:
            with open(given.log, "w", encoding="utf-8") as file:
                file.write("\n".join([*outcome.seen.log, outcome.seen.printed]))
        return _failed(outcome, shrink=True) if outcome.wrong else 0
    return _many(range(given.first, given.first + given.seeds), given.minutes, keep_on=given.keep_on)


def _many(seeds: Sequence[int], minutes: float, *, keep_on: bool) -> int:
    began = time.monotonic()
    sums: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    failed = []
    for seed in seeds:
        if minutes and time.monotonic() - began > 60 * minutes:
            break
        outcome = live(write(seed))
        print(_line(outcome), flush=True)
        judged = outcome.judged
        sums.update(
            {
                "histories": 1,
                "hours": round(outcome.history.days * 24),
                "requests to Langfuse": len(outcome.seen.asked),
                "crashes": len(outcome.seen.crashes),
                "notices due": judged.due,
                "messages sent": judged.sent,
                "notices lost": judged.lost,
                "messages doubled": judged.doubled,
                "doubled, explained": judged.excused,
                "checked to be in time": judged.timely,
                "ledger rows": len(outcome.seen.ledger),
                "ledger differences": judged.ledger,
            }
        )
        faults.update(outcome.seen.faults)
        if outcome.wrong:
            failed.append(seed)
            if not keep_on:
                _failed(outcome, shrink=True)
                break
            _failed(outcome, shrink=False)
    print(f"\n{'simulated days':<28}{sums.pop('hours', 0) / 24:>10.1f}")
    for name, count in sums.items():
        print(f"{name:<28}{count:>10}")
    print("faults met: " + ", ".join(f"{name} {count}" for name, count in sorted(faults.items()) if name != "end"))
    print(f"failed: {failed or 'none'}; {time.monotonic() - began:.0f} s")
    return 1 if failed else 0


def _line(outcome: Outcome) -> str:
    history, judged = outcome.history, outcome.judged
    return (
        f"seed {history.seed}: {history.days:.1f} days of {history.zone} ({history.mode}), "
        f"{len(outcome.seen.crashes)} crashes, {judged.due} due, {judged.lost} lost, {judged.doubled} doubled, "
        f"{judged.ledger} ledger differences, {outcome.seen.digest[:8]}: "
        f"{f'{len(outcome.wrong)} WRONG' if outcome.wrong else 'right'}"
    )


def _failed(outcome: Outcome, *, shrink: bool) -> int:
    """Say what went wrong and, shrunk, what is needed for it."""
    for line in outcome.wrong[:10]:
        print(f"  {line[:500]}")
    print(f"  make dst SEED={outcome.history.seed}", flush=True)
    if shrink:
        least = shrunk(outcome)
        print(f"needed for it: {len(least.history.calls)} calls and")
        for fault in least.history.faults:
            hours = (fault.at_ms - least.history.begins_ms) / 3_600_000
            until = f" for {(fault.until_ms - fault.at_ms) / 60_000:.1f} min" if fault.until_ms else ""
            print(f"  {fault.kind} {fault.text} {fault.number} at {hours:.3f} h{until}")
        for line in least.wrong[:5]:
            print(f"  still: {line[:500]}")
    return 1


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        # Sets of text are walked in another order in every process: a history must not be.
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "tests.dst", *sys.argv[1:]])
    sys.exit(main(sys.argv[1:]))
