"""Pytest hooks: with FUSEWATCH_REQUIRE_TOOLS=1 what is skipped fails, because CI has all that tests look for."""

import os
from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _refuse_skip(report)
    return report


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Make a failure of a skip, keeping its reason; an expected failure is reported as a skip too, and stays."""
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("FUSEWATCH_REQUIRE_TOOLS") == "1":
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"{reason}; FUSEWATCH_REQUIRE_TOOLS=1 allows no test to be skipped"
