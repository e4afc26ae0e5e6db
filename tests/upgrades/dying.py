"""`python -m tests.upgrades.dying FOLDER`: upgrades of copies of FOLDER/old.db, each killed one statement later than
the last, as `1.db`, `2.db`, …, until one comes to its end. A process of its own, because it forks."""

import os
import shutil
import signal
import sys
from pathlib import Path

from fusewatch.store import migrate
from fusewatch.store.connection import SqliteLink, make_engine, prepare_for_writing
from fusewatch.store.link import Lock
from tests.upgrades.frozen import REVISIONS


def upgrade(path: Path, fatal: int) -> None:
    """The upgrade of a starting daemon; the process is killed when its statement numbered `fatal` begins."""
    engine = make_engine(path)
    link = SqliteLink(engine, busy_timeout_ms=1000)
    prepare_for_writing(link, path)
    done = 0

    def look(_: str) -> None:
        nonlocal done
        done += 1
        if done == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    driver = link.core.connection.driver_connection
    assert driver is not None
    driver.set_trace_callback(look)
    with link.core.begin():
        link.begin(Lock.LEDGER)
        migrate.upgrade(link.core, str(path), REVISIONS[0])
    os._exit(0)


def main(folder: Path) -> None:
    number = 0
    while True:
        number += 1
        path = folder / f"{number}.db"
        shutil.copyfile(folder / "old.db", path)
        child = os.fork()
        if child == 0:
            upgrade(path, number)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            assert os.WEXITSTATUS(status) == 0, f"the upgrade failed by itself at {number}"
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]))
