"""`python -m tests.soak.daemon CLOCK START_MS SPEED INSIDE`: the real daemon in the present folder, on a fast clock.

On SIGUSR1 it writes to the file INSIDE what it holds: Python's objects and blocks, malloc's bytes, SQLite's bytes.
"""

import asyncio
import ctypes
import gc
import json
import os
import signal
import sys
from collections import Counter
from ctypes.util import find_library
from pathlib import Path

from fusewatch.config.settings import load_settings
from fusewatch.daemon.service import Service, run_service
from fusewatch.runtime import collect_seldom, give_memory_back
from fusewatch.store import open_store
from tests.soak.clock import SharedClock


class _Malloc(ctypes.Structure):
    """`struct mallinfo2` of glibc."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
        )
    )  # fmt: skip


def held() -> dict[str, object]:
    """What the process holds now; objects by type, the most frequent first."""
    gc.collect()
    objects = gc.get_objects()
    kinds = Counter(f"{type(one).__module__}.{type(one).__qualname__}" for one in objects)
    libc = ctypes.CDLL(None)
    libc.mallinfo2.restype = _Malloc
    malloc = libc.mallinfo2()
    sqlite = ctypes.CDLL(find_library("sqlite3") or "libsqlite3.so.0")
    sqlite.sqlite3_memory_used.restype = ctypes.c_int64
    return {
        "objects": len(objects),
        "blocks": sys.getallocatedblocks(),
        "sqlite": sqlite.sqlite3_memory_used(),
        "malloc_used": malloc.uordblks + malloc.hblkhd,
        "malloc_free": malloc.fordblks,
        "kinds": dict(kinds.most_common(25)),
    }


def write_held(path: Path) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(held()), encoding="utf-8")
    fresh.replace(path)


if __name__ == "__main__":
    collect_seldom()  # as `fusewatch run` does
    give_memory_back()
    settings = load_settings(os.environ, config=None, database_url=None)
    clock = SharedClock(Path(sys.argv[1]), int(sys.argv[2]))
    fast = float(sys.argv[3])
    signal.signal(signal.SIGUSR1, lambda _sign, _frame: write_held(Path(sys.argv[4])))
    with open_store(settings.database_url.get_secret_value(), holder="the soak", exclusive=True) as store:
        asyncio.run(
            run_service(
                Service(
                    config=Path(settings.config),
                    environ=os.environ,
                    store=store,
                    clock=clock,
                    speed=lambda: fast,
                    holder="the soak",
                    listen=settings.listen,
                    listen_is_loopback=True,
                    poll_interval_s=settings.poll_interval / 1000,
                    read_token=None,
                    web_token=None,
                    signing_secret="",
                    public_url="",
                    log_format="json",
                    strict=False,
                )
            )
        )
