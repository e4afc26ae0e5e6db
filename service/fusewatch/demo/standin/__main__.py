"""`python -m fusewatch.demo.standin`: the stand-in as a process of its own, with two weeks of history.

Its clock stands still at `--now`, the moment up to which history has arrived.
"""

from __future__ import annotations

import argparse
import socket
from datetime import UTC, datetime

import uvicorn

from fusewatch.demo.standin import traffic
from fusewatch.demo.standin.app import Standin
from fusewatch.demo.standin.data import Store
from fusewatch.demo.standin.model import DEMO_PUBLIC_KEY, DEMO_SECRET_KEY, Mode
from fusewatch.demo.standin.server import server_config


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m fusewatch.demo.standin", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--mode", type=Mode, choices=list(Mode), default=Mode.DUAL)
    parser.add_argument("--now", type=datetime.fromisoformat, default=datetime(2026, 11, 23, tzinfo=UTC))
    parser.add_argument("--days", type=int, default=14)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    now_ms = int(chosen.now.timestamp() * 1000)
    store = Store(traffic.history(chosen.seed, now_ms, chosen.days))
    store.advance(now_ms)
    listener = socket.create_server(("127.0.0.1", chosen.port), backlog=128)
    print(
        f"http://127.0.0.1:{listener.getsockname()[1]} {len(store)} rows, {chosen.mode}, "
        f"{DEMO_PUBLIC_KEY} / {DEMO_SECRET_KEY}",
        flush=True,
    )
    app = Standin(store, now_ms=lambda: now_ms, mode=chosen.mode)
    uvicorn.Server(server_config(app)).run([listener])


if __name__ == "__main__":
    main()
