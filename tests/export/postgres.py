"""A PostgreSQL of its own for the tests, made of the programs that the machine has."""

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

import pytest

WAY = "install Debian's package postgresql"


def programs() -> Path | None:
    """The folder with initdb and postgres."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    there = shutil.which("initdb")
    return Path(there).resolve().parent if there else None


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
        _run(folder, where / "initdb", "-D", files, "-U", "fuse", "-A", "trust", "-E", "UTF8", "--no-sync")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c fsync=off -c unix_socket_directories={folder}"
        _run(folder, where / "pg_ctl", "-D", files, "-w", "-t", "60", "-l", folder / "log", "-o", options, "start")
        try:
            yield f"postgresql://fuse@127.0.0.1:{port}/postgres"
        finally:
            _run(folder, where / "pg_ctl", "-D", files, "-m", "immediate", "stop", check=False)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
