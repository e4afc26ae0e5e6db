"""A normal day at default settings, counted: the passes over a real database and a Langfuse with the Hobby plan.

The counts are printed; `pytest -s` shows them.
"""

from collections import Counter
from pathlib import Path

import pytest

from fusewatch.app.ingest import IngestReport, Reader, ingest_pass
from fusewatch.app.reconcile import ReconcileReport, reconcile_pass
from fusewatch.demo.standin import traffic
from fusewatch.domain.attribution import Resolver
from fusewatch.domain.ratebudget import DAY_MS, HOBBY, HOUR_MS, MINUTE_MS, RateClass
from fusewatch.domain.rules import DEFAULT_ATTRIBUTION
from fusewatch.runtime import InlineRunner
from fusewatch.store import open_store
from tests.langfuse.asking import NOW_MS
from tests.langfuse.clouds import Cloud
from tests.langfuse.virtual import in_virtual_time

BEGINS_MS = NOW_MS // DAY_MS * DAY_MS
HISTORY_MS = 6 * DAY_MS
POLL_S = 60
CLASSES = {
    "v2/observations": RateClass.READ,
    "v2/metrics": RateClass.METRICS_V2,
}


class Day:
    """The daemon's loop for one project, from its first start on, for 24 hours."""

    def __init__(self, cloud: Cloud, folder: Path) -> None:
        self.cloud = cloud
        self.store = open_store(f"sqlite:///{folder / 'day.db'}", holder="day", exclusive=True)
        self.polled: list[IngestReport] = []
        self.compared: list[ReconcileReport] = []
        self.polls_since_loaded = 0
        self.requests_of_polls = 0

    async def live(self) -> None:
        clock, run, store = self.cloud.clock, InlineRunner(), self.store
        source = self.cloud.source(api="", known=False)
        identity = await source.identify()
        store.register(identity, "demo", now_ms=clock.now_ms())
        reader = Reader(source, identity.key, Resolver(DEFAULT_ATTRIBUTION))
        next_poll = next_reconcile = clock.monotonic()
        poll = 0
        while clock.monotonic() < DAY_MS / 1000:
            due = clock.monotonic() >= next_poll
            next_poll = clock.monotonic() + POLL_S if due else next_poll
            loaded = bool(self.polled) and not self.polled[-1].more
            before = len(self.cloud.standin.log)
            report = await ingest_pass(
                reader, store, run, clock, poll=poll if due else None, need_from_ms=BEGINS_MS - HISTORY_MS
            )
            poll += due
            self.polled.append(report)
            if loaded:
                self.polls_since_loaded += 1
                self.requests_of_polls += len(self.cloud.standin.log) - before
            if not report.more and clock.monotonic() >= next_reconcile:
                next_reconcile = clock.monotonic() + HOUR_MS / 1000
                self.compared.append(await reconcile_pass(reader, store, run, clock, from_ms=BEGINS_MS - HISTORY_MS))
            if not report.more:
                await clock.sleep(max(0.0, next_poll - clock.monotonic()))


@pytest.mark.slow
def test_a_day_at_defaults_stays_inside_the_hobby_plan(tmp_path: Path) -> None:
    spans = traffic.history(1, BEGINS_MS + DAY_MS, days=7)

    async def day() -> tuple[Cloud, Day]:
        lived = Day(Cloud(spans, epoch_ms=BEGINS_MS), tmp_path)
        await lived.live()
        return lived.cloud, lived

    cloud, lived = in_virtual_time(day)
    lived.store.close()
    sent = Counter(CLASSES.get(seen.path.removeprefix("/api/public/")) for seen in cloud.standin.log)
    print("requests of a day:", {str(kind or "unlimited"): count for kind, count in sorted(sent.items(), key=str)})
    print("requests of", lived.polls_since_loaded, "polls after the first load:", lived.requests_of_polls)
    print("most in a minute:", cloud.most_in(MINUTE_MS, "v2/observations"))
    assert set(cloud.statuses()) == {200}
    assert [report.failure for report in lived.polled if report.failure] == []
    assert [report.failure for report in lived.compared if report.failure] == []
    assert cloud.most_in(MINUTE_MS, "v2/observations") <= HOBBY[RateClass.READ].points // 2
    assert 24 <= sent[RateClass.METRICS_V2] <= 26, "one comparison an hour, and the question which API answers"
    assert sent[None] == 2
    assert lived.polls_since_loaded > 1400
    assert lived.polls_since_loaded <= lived.requests_of_polls <= 1.02 * lived.polls_since_loaded
