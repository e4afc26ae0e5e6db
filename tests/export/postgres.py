"""A PostgreSQL of its own for the tests, made of the programs that the machine has."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
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


def _as_nobody() -> dict[str, int]:
    """PostgreSQL refuses to run as root: then as the first user who is not."""
    if os.geteuid() != 0:
        return {}
    import pwd

    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid}
    pytest.skip("PostgreSQL does not run as root, and there is no other user")


def served() -> Iterator[str]:
    """The address of an empty database on loopback. Skips where PostgreSQL or psycopg is missing."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    where = programs()
    if where is None or sys.platform == "win32":
        pytest.skip(f"PostgreSQL is not installed: {WAY}")
    other = _as_nobody()
    folder = Path(mkdtemp(prefix="fusewatch-pg-"))
    log = folder / "log"
    try:
        if other:
            os.chown(folder, other["user"], other["group"])
        subprocess.run(
            [where / "initdb", "-D", folder / "data", "-U", "fuse", "-A", "trust", "-E", "UTF8", "--no-sync"],
            check=True,
            capture_output=True,
            cwd=folder,
            **other,
        )
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c fsync=off -c unix_socket_directories={folder}"
        subprocess.run(
            [where / "pg_ctl", "-D", folder / "data", "-w", "-t", "60", "-l", log, "-o", options, "start"],
            check=True,
            capture_output=True,
            cwd=folder,
            **other,
        )
        try:
            yield f"postgresql://fuse@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run(
                [where / "pg_ctl", "-D", folder / "data", "-m", "immediate", "stop"],
                check=False,
                capture_output=True,
                cwd=folder,
                **other,
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
