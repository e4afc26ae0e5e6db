"""Pytest hooks for the whole suite."""

import gc
import os
import signal

import pytest
from hypothesis import settings

from tests.packaging.require_tools import pytest_make_collect_report, pytest_runtest_makereport

__all__ = [
    "pytest_collection_finish",
    "pytest_make_collect_report",
    "pytest_runtest_makereport",
    "pytest_xdist_auto_num_workers",
]

gc.disable()

# No test is to fail because a machine is busy. Under CI Hypothesis's own profile says so, and repeats the same inputs.
settings.register_profile("patient", settings.default, deadline=None)
settings.load_profile("patient")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what runs in its background so, and the daemons of the tests would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """What was loaded and collected stays, two million objects: no collection needs to walk through it again."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two for each core: tests of whole processes wait half of their time."""
    return 2 * len(os.sched_getaffinity(0))
