"""What an organisation's rate limit is known to be outlives the process."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from fusewatch.app.rategate import RateGates
from fusewatch.domain.ratebudget import Priority
from fusewatch.errors import Retryable
from fusewatch.runtime import InlineRunner
from fusewatch.store import SqlStore
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


def test_a_database_of_the_first_schema_gains_the_table_and_keeps_its_projects(url: str) -> None:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as raw:
        raw.execute("DROP TABLE rate_limit")
        raw.execute("DROP INDEX generation_unpriced")
        raw.execute("DROP TABLE hour_total")
        raw.execute("ALTER TABLE view DROP COLUMN known_from_ms")
        raw.execute("UPDATE alembic_version SET version_num = '0001'")
        raw.commit()
    with opened(url) as store:
        store.save_rate("a", "text")
        assert _projects(store) == ["production", "staging"]


def _projects(store: SqlStore) -> list[str]:
    return [project.name for project in store.read(lambda unit: unit.projects())]
