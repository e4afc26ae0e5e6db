"""Pytest hooks for the whole suite."""

import os

import pytest

from tests.packaging.require_tools import pytest_make_collect_report, pytest_runtest_makereport

__all__ = ["pytest_make_collect_report", "pytest_runtest_makereport", "pytest_xdist_auto_num_workers"]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two for each core: tests of whole processes wait half of their time."""
    return 2 * len(os.sched_getaffinity(0))
