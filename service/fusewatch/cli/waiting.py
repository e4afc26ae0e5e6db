"""A sign of life on standard error while something takes its time; only on a terminal, and only after a second."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer

from rich.console import Console

AFTER_S = 1.0


@contextmanager
def waiting(words: str) -> Iterator[None]:
    """Shows the words with something that moves as long as the block takes; they are gone afterwards. The block prints
    nothing meanwhile."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    shown = console.status(words)
    starter = Timer(AFTER_S, shown.start)
    starter.daemon = True
    starter.start()
    try:
        yield
    finally:
        starter.cancel()
        starter.join()
        shown.stop()
