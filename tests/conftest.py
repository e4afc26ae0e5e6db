"""Pytest hooks for the whole suite."""

from tests.packaging.require_tools import pytest_make_collect_report, pytest_runtest_makereport

__all__ = ["pytest_make_collect_report", "pytest_runtest_makereport"]
