"""What the daemon asks of the machine beside its time."""

import ctypes
import gc
import subprocess
import sys
from contextlib import ExitStack

import pytest

from fusewatch.runtime import give_memory_back, many_rows

PAGES_COME_AND_GO = """\
import sys
from fusewatch.runtime import give_memory_back

def held():
    with open("/proc/self/status", encoding="ascii") as status:
        return int(next(line.split()[1] for line in status if line.startswith("VmRSS"))) // 1024

if sys.argv[1] == "give back":
    give_memory_back()
before = held()
b"x" * 1_000_000
pages, kept = [], []
for _ in range(50):
    pages.append(b"x" * 1_000_000)
    kept.append(b"x" * 100_000)  # too large for what is free between older things
full = held()
del pages
print(before, full, held())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc has mallopt")
def test_what_pages_took_is_given_back_though_something_small_was_kept_between_them() -> None:
    def left(how: str) -> int:
        command = [sys.executable, "-c", PAGES_COME_AND_GO, how]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        before, full, after = map(int, printed.split())
        assert full - before > 40
        return after - before

    assert left("give back") < 10
    assert left("keep") > 40, "else this says nothing"


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: object())
    give_memory_back()


def test_the_collector_waits_longer_while_anybody_reads_many_rows() -> None:
    before = gc.get_threshold()
    with many_rows():
        first = gc.get_threshold()
        other = ExitStack()
        other.enter_context(many_rows())
    assert first[0] == gc.get_threshold()[0] == 50_000, "the other one still reads"
    other.close()
    assert gc.get_threshold() == before
