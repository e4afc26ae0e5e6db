"""Fixtures of the export tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fusewatch.store import SqlStore
from tests.store.samples import fresh_url, opened


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    with opened(fresh_url(tmp_path)) as opened_store:
        yield opened_store
