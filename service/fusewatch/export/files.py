"""Files that appear whole: written beside their place under another name, brought to the disk, then renamed."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkstemp
from typing import BinaryIO

from fusewatch.errors import Permanent

STANDARD_OUTPUT = "-"


@contextmanager
def replaced(path: str) -> Iterator[BinaryIO]:
    """A file to write to, which takes the place of `path` when the block ends well; nothing changes when it does not.

    `-` is the standard output. Permanent when the file cannot be written.
    """
    if path == STANDARD_OUTPUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    place = Path(path)
    try:
        with _beside(place) as file:
            yield file
    except OSError as error:
        raise Permanent("cannot_write", f"cannot write {place}: {error.strerror or error}") from error


@contextmanager
def _beside(place: Path) -> Iterator[BinaryIO]:
    if place.is_dir():
        raise IsADirectoryError(0, "it is a folder; name a file in it")
    target = place.resolve()  # a link goes on to point where it does
    number, name = mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    try:
        with os.fdopen(number, "wb") as file:
            yield file
            file.flush()
            os.fchmod(file.fileno(), _mode(target))
            os.fsync(file.fileno())
        os.replace(name, target)
        _sync_folder(target.parent)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


def _mode(target: Path) -> int:
    """What the file had, or what a new one would get: temporary files are made for their owner alone."""
    with suppress(OSError):
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _sync_folder(folder: Path) -> None:
    """The new name reaches the disk, too; some file systems cannot do that for a folder."""
    number = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            os.fsync(number)
    finally:
        os.close(number)
