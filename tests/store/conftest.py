"""Fixtures of the database tests: each runs on SQLite and on a real PostgreSQL, unless its module names `DATABASES`."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import Phase, settings

from fusewatch.store import SqlStore
from tests.export.postgres import WAY, programs
from tests.store import server
from tests.store.samples import fresh_url, opened, use

_SETTINGS = "_hypothesis_internal_use_settings"
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
    with _fewer_examples(request.module, 8) if kind == "postgres" else nullcontext():
        yield kind
    use("sqlite")


@contextmanager
def _fewer_examples(module: ModuleType, most: int) -> Iterator[None]:
    """A server's answer takes 50 times as long as a file's. What holds for the ledger is looked for on files; here is
    looked whether the server agrees. The properties are the very same functions, so only their settings change."""
    before = {}
    for test in vars(module).values():
        asked = getattr(test, _SETTINGS, None)
        if isinstance(asked, settings):
            before[test] = asked
            setattr(test, _SETTINGS, settings(asked, max_examples=most, phases=(Phase.explicit, Phase.generate)))
    yield
    for test, asked in before.items():
        setattr(test, _SETTINGS, asked)


@pytest.fixture
def url(database: str, tmp_path: Path) -> Iterator[str]:
    yield fresh_url(tmp_path)
    if database == "postgres":
        server.give_back_all()


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    with opened(url) as opened_store:
        yield opened_store
