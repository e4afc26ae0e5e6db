"""What an organisation's rate limit is known to be outlives the process."""

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from fusewatch.app.rategate import RateGates
from fusewatch.domain.ratebudget import Priority
from fusewatch.errors import Retryable
from fusewatch.runtime import InlineRunner
from fusewatch.store import SqlStore
from fusewatch.store.migrate import MIGRATIONS
from fusewatch.store.schema import APPLICATION_ID
from tests.langfuse.asking import StandingClock
from tests.store.samples import opened

CLOUD = "https://cloud.langfuse.com"


def test_each_organisation_has_its_own_text_and_the_last_one_counts(url: str) -> None:
    with opened(url) as store:
        assert store.load_rate("a") is None
        store.save_rate("a", "first")
        store.save_rate("b", "other")
        store.save_rate("a", "second")
    with opened(url) as store:
        assert (store.load_rate("a"), store.load_rate("b")) == ("second", "other")


def test_a_block_outlives_the_process(url: str) -> None:
    with opened(url) as store:
        gate = RateGates(store, InlineRunner(), StandingClock()).source(CLOUD, "org")
        asyncio.run(gate.limited("v2_metrics", limit=100, retry_after_s=86_394))
    with opened(url) as store:
        gate = RateGates(store, InlineRunner(), StandingClock()).source(CLOUD, "org")
        with pytest.raises(Retryable, match="asked to send no more") as caught:
            asyncio.run(gate.wait("v2_metrics", Priority.RECONCILE))
        assert caught.value.retry_after_s == 86_394
        asyncio.run(gate.wait("v2_observations", Priority.LIVE))


def test_a_database_of_the_first_schema_gains_what_is_new_and_keeps_its_projects(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(MIGRATIONS))
        config.set_main_option("path_separator", "os")
        command.upgrade(config, "0001")
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.exec_driver_sql(
            "INSERT INTO project (key, name, host, project_id, organisation_id, api, registered_ms)"
            " VALUES ('k', 'production', 'h', 'p', 'o', 'v2', 1)"
        )
    engine.dispose()
    with opened(f"sqlite:///{path}") as store:
        store.save_rate("a", "text")
        assert _projects(store) == ["production"]


def _projects(store: SqlStore) -> list[str]:
    return [project.name for project in store.read(lambda unit: unit.projects())]
