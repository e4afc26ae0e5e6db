"""A command in a terminal of its own, and what it shows there."""

import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from fcntl import ioctl
from pathlib import Path

PROGRAM = (sys.executable, "-m", "fusewatch")
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def typed(environment: Mapping[str, str], *words: str, columns: int = 80, folder: Path | None = None) -> str:
    """What the command shows in a terminal so wide."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [*PROGRAM, *words], cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    shown, until = b"", time.monotonic() + 60
    while time.monotonic() < until:
        if select.select([ours], [], [], 0.1)[0]:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the terminal of an ended process
                break
            shown += part
            if not part:
                break
    process.wait(10)
    os.close(ours)
    return shown.decode().replace("\r\n", "\n")
