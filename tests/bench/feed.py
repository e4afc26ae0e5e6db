"""A Langfuse that has nothing to do: pages of v2 observations, encoded beforehand, sent by a process of its own.

`python -m tests.bench.feed FOLDER ROWS EVERY_MS` writes the pages into the folder, prints its address and answers until
its standard input ends. Rows are shaped like those that a real server sent (`tests/recorded`): about 1.5 kB each,
newest first, ten a second or as told, five to a trace, two traces to a session.
"""

import os
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from tempfile import TemporaryDirectory
from time import gmtime, strftime

import orjson

PAGE = 1_000
EVERY_MS = 100
END_MS = 1_763_827_200_000
"""22 November 2025, 16:00 UTC: no row starts later."""

PROJECT_ID = "cm9z8y7x6w5v4u3t2s1r0q9p8"
MODELS = ("gpt-4o-mini", "gpt-4o", "claude-sonnet-4-5", "gemini-2.5-flash")


@dataclass(frozen=True, slots=True)
class Feed:
    """A running one. `pages` are the very bytes that it sends."""

    url: str
    rows: int
    pages: tuple[Path, ...]
    every_ms: int

    @property
    def from_ms(self) -> int:
        return END_MS - self.rows * self.every_ms


@contextmanager
def feed(rows: int, every_ms: int = EVERY_MS) -> Iterator[Feed]:
    """Pages of so many rows, served by another process as long as the block lasts."""
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.bench.feed", folder, str(rows), str(every_ms)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None and process.stdout is not None, "both are pipes"  # noqa: PT018 - one fact for the type checker, not a test
            try:
                url = process.stdout.readline().strip()
                pages = tuple(sorted(Path(folder).glob("*.json")))
                yield Feed(url, rows, pages, every_ms)
            finally:
                process.stdin.close()
                process.wait(10)


def write_pages(folder: Path, rows: int, every_ms: int) -> None:
    """Page files named in the order in which a walk asks for them; each but the last has a cursor to the next."""
    starts = range(rows - 1, -1, -PAGE)
    for number, newest in enumerate(starts):
        base_ms = END_MS - rows * every_ms
        data = [row(n, base_ms, every_ms) for n in range(newest, max(newest - PAGE, -1), -1)]
        meta = {"cursor": f"p{number + 1:06d}"} if number + 1 < len(starts) else {}
        text = orjson.dumps({"data": data, "meta": {"limit": PAGE, **meta}})
        (folder / f"p{number:06d}.json").write_bytes(text)


def row(number: int, base_ms: int, every_ms: int = EVERY_MS) -> dict[str, object]:
    """The observation of this number, the greater the newer. `base_ms` is when number 0 starts, each other `every_ms`
    after the one before."""
    seed = md5(str(number).encode(), usedforsecurity=False).digest()
    trace, session = number // 5, number // 10
    start_ms = base_ms + number * every_ms
    took_ms = seed[2] * 20 + 40
    feature, team, model = f"feature-{session % 12}", f"team-{session % 5}", MODELS[seed[3] % 4]
    used, written = seed[0] * 40 + 7, seed[1] + 1
    input_cost, output_cost = round(used * 1.5e-07, 12), round(written * 6e-07, 12)
    price = f"clyrjp56f0000t0mzapo{model[:5]}"
    return {
        "id": seed[:8].hex(),
        "traceId": md5(b"trace %d" % trace, usedforsecurity=False).hexdigest(),
        "startTime": stamp(start_ms),
        "endTime": stamp(start_ms + took_ms),
        "projectId": PROJECT_ID,
        "parentObservationId": seed[8:].hex(),
        "type": "GENERATION",
        "name": f"answer-{session % 12}",
        "level": "DEFAULT",
        "statusMessage": "",
        "version": "",
        "environment": "production",
        "completionStartTime": None,
        "createdAt": stamp(start_ms + took_ms + 640),
        "updatedAt": stamp(start_ms + took_ms + 640),
        "metadata": {
            "team": team,
            "feature": feature,
            "scope.attributes.public_key": "pk-lf-1234567890",
            "scope.version": "5.0.4",
            "scope.name": "langfuse-sdk",
            "resourceAttributes.service.name": "answers",
            "resourceAttributes.langfuse.environment": "production",
            "resourceAttributes.service.instance.id": f"d02a8053-a4c0-42ee-bf31-bd80345d{seed[4] % 16:04x}",
            "resourceAttributes.telemetry.sdk.version": "1.45.2",
            "resourceAttributes.telemetry.sdk.name": "opentelemetry",
            "resourceAttributes.telemetry.sdk.language": "python",
        },
        "model": model,
        "internalModelId": price,
        "modelParameters": {"temperature": 0.2},
        "usageDetails": {"input": used, "output": written, "total": used + written},
        "inputUsage": used,
        "outputUsage": written,
        "totalUsage": used + written,
        "costDetails": {
            "input": input_cost,
            "output": output_cost,
            "total": round(input_cost + output_cost, 12),
        },
        "inputCost": input_cost,
        "outputCost": output_cost,
        "totalCost": round(input_cost + output_cost, 12),
        "usagePricingTierId": f"{price}_tier_default",
        "usagePricingTierName": "Standard",
        "latency": took_ms / 1000,
        "timeToFirstToken": None,
        "userId": f"user-{session * 7919 % 2_000}",
        "sessionId": f"session-{session:08d}",
        "isRootObservation": False,
        "promptName": None,
        "promptVersion": None,
        "promptId": None,
        "traceName": f"handle-{session % 12}",
        "release": f"2025.11.{session // 5_000}",
        "tags": ["prod"],
        "bookmarked": False,
        "public": False,
        "modelId": price,
        "inputPrice": "1.5e-7",
        "outputPrice": "6e-7",
        "totalPrice": None,
    }


def stamp(ms: int) -> str:
    """As Langfuse writes an instant."""
    return f"{strftime('%Y-%m-%dT%H:%M:%S', gmtime(ms // 1000))}.{ms % 1000:03d}Z"


class _Handler(socketserver.StreamRequestHandler):
    """Keeps the connection open and sends files; which one is all that it reads of a request."""

    folder: Path

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def handle(self) -> None:
        while first := self.rfile.readline():
            while self.rfile.readline() not in (b"\r\n", b""):
                pass
            _, _, query = first.split()[1].decode().partition("?")
            asked = dict(pair.split("=", 1) for pair in query.split("&") if pair)
            with (self.folder / f"{asked.get('cursor', 'p000000')}.json").open("rb") as page:
                size = os.fstat(page.fileno()).st_size
                date = strftime("%a, %d %b %Y %H:%M:%S GMT", gmtime())
                head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ndate: {date}\r\ncontent-length: {size}"
                self.connection.sendall(f"{head}\r\n\r\n".encode())
                self.connection.sendfile(page)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


def main() -> None:
    folder, rows, every_ms = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    write_pages(folder, rows, every_ms)
    _Handler.folder = folder
    with _Server(("127.0.0.1", 0), _Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
        sys.stdin.read()
        server.shutdown()


if __name__ == "__main__":
    main()
