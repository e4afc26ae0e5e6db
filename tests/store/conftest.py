"""Fixtures of the database tests: each runs on SQLite and on a real PostgreSQL, but in a module that names `DATABASES`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fusewatch.store import SqlStore
from tests.export.postgres import WAY, programs
from tests.store import server
from tests.store.samples import fresh_url, opened, use

BOTH = ("sqlite", "postgres")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    kinds = getattr(metafunc.module, "DATABASES", BOTH)
    metafunc.parametrize("database", kinds, indirect=True, scope="module")


@pytest.fixture(scope="module", autouse=True)
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """Of which kind the databases of this module are, for now."""
    kind: str = request.param
    if kind == "postgres" and programs() is None:
        pytest.skip(f"PostgreSQL is not installed: {WAY}")
    use(kind)
    yield kind
    use("sqlite")


@pytest.fixture
def url(database: str, tmp_path: Path) -> Iterator[str]:
    yield fresh_url(tmp_path)
    if database == "postgres":
        server.give_back_all()


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    with opened(url) as opened_store:
        yield opened_store
