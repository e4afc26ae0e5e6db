"""`python -m tests.fuzz MINUTES`: look for inputs that break something, in turn by kind, and print how many were tried.

Every search of hypothesis begins anew, at random. A failing input is printed, shrunk; the tests then try it first.
"""

import os
import sys
import time
from itertools import chain, product

os.environ.setdefault("FUZZ_AT_ONCE", "300")

from tests.fuzz import test_budget_files, test_http, test_langfuse_answers
from tests.fuzz.effort import ALL, Fuzz

MODULES = (test_budget_files, test_langfuse_answers, test_http)


def arguments(fuzz: Fuzz) -> list[dict[str, object]]:
    """Of every case that pytest would make of the test."""
    marks = [mark for mark in getattr(fuzz.test, "pytestmark", []) if mark.name == "parametrize"]
    return [dict(chain.from_iterable(c)) for c in product(*([((m.args[0], v),) for v in m.args[1]] for m in marks))]


def search(minutes: float) -> dict[str, float]:
    """Seconds by kind, every test having had its turns. Raises what the first failing input raises."""
    until = time.monotonic() + 60 * minutes
    spent = dict.fromkeys((fuzz.kind for fuzz in ALL), 0.0)
    while time.monotonic() < until:
        # The kind that has had the least time goes on, so that none is starved by a slow one.
        kind = min(spent, key=lambda one: spent[one])
        began = time.monotonic()
        for fuzz in (one for one in ALL if one.kind == kind):
            for given in arguments(fuzz):
                fuzz.test(**given)
        spent[kind] += time.monotonic() - began
    return spent


def table(spent: dict[str, float]) -> str:
    lines = [f"{'inputs':32}{'tried':>10}{'distinct':>10}{'a minute':>10}"]
    for kind, seconds in spent.items():
        of_kind = [fuzz for fuzz in ALL if fuzz.kind == kind]
        tried, distinct = sum(f.tried for f in of_kind), sum(len(f.seen) for f in of_kind)
        lines.append(f"{kind:32}{tried:>10,}{distinct:>10,}{60 * tried / max(seconds, 1):>10,.0f}")
    tried, distinct = sum(f.tried for f in ALL), sum(len(f.seen) for f in ALL)
    lines.append(f"{'all':32}{tried:>10,}{distinct:>10,}{60 * tried / max(sum(spent.values()), 1):>10,.0f}")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(search(float(sys.argv[1]) if len(sys.argv) > 1 else 10)))
    print("found: nothing")
