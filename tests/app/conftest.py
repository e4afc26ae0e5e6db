"""The fixture of every story: it makes stages, and after the story looks whether the ledger is right."""

from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile
from typing import Protocol

import pytest

from fusewatch.store import open_store
from tests.app import truth
from tests.app.stage import Stage
from tests.app.when import DAY_MS, STORY_DAY
from tests.export.postgres import WAY, programs
from tests.store import server

ON_BOTH = ("test_calendars", "test_corrections", "test_endings")
"""The modules whose stories are played on SQLite and on a real PostgreSQL: some of each kind."""


class Play(Protocol):
    def __call__(
        self, rules: str, *, begins: str = "06:00", day: str = STORY_DAY, window_ms: int = 40 * DAY_MS
    ) -> Stage: ...


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database as the first start makes it; making one takes longer than many a story."""
    path = tmp_path_factory.mktemp("database") / "fusewatch.db"
    open_store(f"sqlite:///{path}", holder="the template", exclusive=True).close()
    return path


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "play" in metafunc.fixturenames and metafunc.module.__name__.rpartition(".")[2] in ON_BOTH:
        metafunc.parametrize("database", ("sqlite", "postgres"), indirect=True, scope="session")


@pytest.fixture(scope="session")
def database(request: pytest.FixtureRequest) -> str:
    """Where a story's data is: `sqlite` or `postgres`."""
    kind: str = getattr(request, "param", "sqlite")
    if kind == "postgres" and programs() is None:
        pytest.skip(f"PostgreSQL is not installed: {WAY}")
    return kind


@pytest.fixture
def play(tmp_path: Path, empty_database: Path, database: str) -> Iterator[Play]:
    """Raises a stage with these rules; several in one test play apart from each other."""
    stages: list[Stage] = []

    def make(rules: str, *, begins: str = "06:00", day: str = STORY_DAY, window_ms: int = 40 * DAY_MS) -> Stage:
        folder = tmp_path / f"stage{len(stages)}"
        folder.mkdir()
        url = server.taken_database() if database == "postgres" else ""
        if not url:
            copyfile(empty_database, folder / empty_database.name)
        stages.append(Stage(rules=rules, folder=folder, day=day, begins=begins, window_ms=window_ms, url=url))
        return stages[-1]

    try:
        yield make
        for stage in stages:
            truth.check(stage)
    finally:
        for stage in stages:
            stage.close()
        if database == "postgres":
            server.give_back_all()
