"""Fixtures of the database tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fusewatch.store import SqlStore
from tests.store.samples import fresh_url, opened


@pytest.fixture
def url(tmp_path: Path) -> str:
    return fresh_url(tmp_path)


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    with opened(url) as opened_store:
        yield opened_store
