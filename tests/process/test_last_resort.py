"""After a signal the process ends in time, also while something runs that cannot be broken off."""

import subprocess
import sys
import time

SCRIPT = """
import sqlite3
from fusewatch.daemon.service import leave_within
leave_within(0.5)
endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
sqlite3.connect(":memory:").execute(endless).fetchone()
"""


def test_a_read_without_end_does_not_keep_the_process() -> None:
    began = time.monotonic()
    ended = subprocess.run([sys.executable, "-c", SCRIPT], timeout=60, check=False)
    assert ended.returncode == 0
    assert time.monotonic() - began < 60
