"""The machine: traffic, every trouble that Langfuse is known to make, kills at any step, and a ledger to be right.

Steps are drawn by hypothesis; a failing run prints its steps, shrunk. Langfuse is the stand-in, in-process and on the
machine's own clock; the passes and the database are the real ones.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from fusewatch.app.ingest import Reader
from fusewatch.app.reconcile import ReconcileReport, reconcile_pass
from fusewatch.demo.standin import DEMO_PROJECT, Mode, Span
from fusewatch.demo.standin.answers import Reply
from fusewatch.demo.standin.troubles import (
    CLICKHOUSE_DOWN,
    GATEWAY_TIMEOUT,
    Trouble,
    html_instead,
    lost_connection,
    on_path,
    rate_limited,
    times_out_above,
    truncated_json,
)  # fmt: skip
from fusewatch.domain.attribution import Resolver
from fusewatch.domain.readplan import need_from
from fusewatch.store.ids import unpack
from tests.app.stage import Stage
from tests.app.when import HOUR_MS, MINUTE_MS
from tests.model.truth import Call, Fact, Truth, Version

RULES = """
history: 12d
budgets:
  - {name: daily, limit: $20, every: day}
  - {name: teams, each: [team], limit: $5, every: day}
"""
TEAMS = ("content", "search", "")
USERS = ("ann", "bob", "")
SETTLES_IN_MS = 9 * 24 * HOUR_MS
"""After this long every hour had its weekly turn to be read again."""

cents = st.integers(0, 400)
ago_s = st.one_of(st.integers(0, 300), st.integers(0, 4 * 3600))
late_s = st.one_of(st.just(0), st.integers(0, 240), st.integers(0, 6 * 3600))


class Ledger(RuleBasedStateMachine):
    """What is common to both APIs; `mode` is the server that answers."""

    mode = Mode.EVENTS_ONLY

    def __init__(self) -> None:
        super().__init__()
        self._folder = TemporaryDirectory()
        self.stage = Stage(rules=RULES, folder=Path(self._folder.name) / "stage")
        self.stage.standin.mode = self.mode
        self.truth = Truth(first_start=self.first_start)
        self.made = 0

    @property
    def first_start(self) -> bool:
        return self.mode in (Mode.LEGACY, Mode.V3_OLD)

    @initialize()
    def begins(self) -> None:
        self.stage.round()

    # ------------------------------------------------------------ traffic

    @rule(cents=cents, ago_s=ago_s, late_s=late_s, team=st.sampled_from(TEAMS), user=st.sampled_from(USERS))
    def calls(self, cents: int, ago_s: int, late_s: int, team: str, user: str) -> None:
        """A call that started some time ago and can be read now or later."""
        self._call(cents, ago_s, late_s, team, user)

    @rule(count=st.integers(2, 60), ago_s=ago_s, spread_ms=st.sampled_from([0, 1, 1000]))
    def calls_in_a_burst(self, count: int, ago_s: int, spread_ms: int) -> None:
        """Many calls that start at the same millisecond, or close to it: pages end in the middle of them."""
        now_ms = self.stage.clock.now_ms()
        for number in range(count):
            self._send(*self._identity(), self._version(number, now_ms - ago_s * 1000 + number * spread_ms, now_ms))

    @precondition(lambda self: self.truth.calls)
    @rule(data=st.data(), cents=cents, late_s=late_s, team=st.sampled_from(TEAMS))
    def costs_more_or_less(self, data: st.DataObject, cents: int, late_s: int, team: str) -> None:
        """A newer version: another cost, and perhaps another team. What names a team goes on naming one (ADR 9)."""
        call, last = self._pick(data)
        now_ms = self.stage.clock.now_ms()
        updated_ms = max(now_ms, last.updated_ms + 1)
        changed = self._version(cents, last.start_ms, now_ms + late_s * 1000, team or last.team, last.user)
        self._send(call.trace_id, call.id, changed._replace(updated_ms=updated_ms))

    @precondition(lambda self: self.truth.calls)
    @rule(data=st.data(), late_s=late_s)
    def is_sent_again(self, data: st.DataObject, late_s: int) -> None:
        """The very same version once more: two rows until a merge."""
        call, last = self._pick(data)
        arrives_ms = max(last.arrives_ms, self.stage.clock.now_ms() + late_s * 1000)
        self._send(call.trace_id, call.id, last._replace(arrives_ms=arrives_ms))

    @precondition(lambda self: self.truth.calls)
    @rule(data=st.data(), by_s=st.integers(-5 * 3600, 5 * 3600), tie=st.booleans())
    def moves(self, data: st.DataObject, by_s: int, tie: bool) -> None:
        """A newer version, or one of the very same instant, with another start."""
        call, last = self._pick(data)
        now_ms = self.stage.clock.now_ms()
        if self.first_start and any(v.arrives_ms > now_ms for v in call.versions):
            return  # which start such a server sees first is not decided yet
        start_ms = min(last.start_ms + by_s * 1000, now_ms)
        updated_ms = last.updated_ms if tie else max(now_ms, last.updated_ms + 1)
        moved = last._replace(start_ms=start_ms, updated_ms=updated_ms, arrives_ms=now_ms)
        self._send(call.trace_id, call.id, moved)

    @precondition(lambda self: self.truth.calls)
    @rule(data=st.data())
    def is_deleted(self, data: st.DataObject) -> None:
        """Langfuse forgets a trace. What the ledger had seen of it was spent."""
        call, _ = self._pick(data)
        now_ms = self.stage.clock.now_ms()
        if any(v.arrives_ms > now_ms for v in call.versions):
            return
        self.stage.standin.store.advance(now_ms)
        self.stage.warehouse.delete_trace(DEMO_PROJECT, call.trace_id)
        held = [fact for fact in self.ledger() if fact[:2] == (call.trace_id, call.id)]
        call.deleted_at, call.kept = self.truth.sent, held[0] if held else None

    # ------------------------------------------------------------ the daemon

    @rule(minutes=st.sampled_from([1, 1, 1, 2, 7, 45]))
    def polls(self, minutes: int) -> None:
        self.stage.clock.go_on(minutes * MINUTE_MS)
        self._surviving(self.stage.round)

    @rule()
    def compares(self) -> None:
        self._surviving(lambda: self._compare(most=24))

    @rule(steps=st.integers(1, 12), after_commit=st.booleans())
    def will_die_at_a_transaction(self, steps: int, after_commit: bool) -> None:
        self.stage.runner.fatal = self.stage.runner.done + steps
        self.stage.runner.after_commit = after_commit

    @rule(steps=st.integers(1, 8))
    def will_die_at_a_request(self, steps: int) -> None:
        self.stage.wire.fatal = self.stage.wire.done + steps

    @rule()
    def restarts(self) -> None:
        self.stage.restart()

    # ------------------------------------------------------------ troubles

    @rule(times=st.integers(1, 4), which=st.sampled_from(["500", "504", "html", "cut", "lost", "429", "422"]))
    def langfuse_stumbles(self, times: int, which: str) -> None:
        troubles = {
            "500": Trouble(times=times, instead=CLICKHOUSE_DOWN),
            "504": Trouble(times=times, instead=GATEWAY_TIMEOUT),
            "html": html_instead(times),
            "cut": truncated_json(0.6, times),
            "lost": lost_connection(0.3, times),
            "429": rate_limited(20, times),
            "422": times_out_above(30, 10 * times),
        }
        self.stage.standin.troubles.add(troubles[which])

    @rule()
    def langfuse_recovers(self) -> None:
        self.stage.langfuse_up()

    @rule()
    def langfuse_goes_down(self) -> None:
        self.stage.langfuse_down()

    @rule()
    def pages_get_small(self) -> None:
        self.stage.small_pages()

    @rule(behind_s=st.integers(0, 600), count=st.integers(1, 30))
    def rows_appear_while_paging(self, behind_s: int, count: int) -> None:
        """Just after a page was answered, rows appear behind and before its end."""

        def after(reply: Reply) -> Reply:
            now_ms = self.stage.clock.now_ms()
            for number in range(count):
                start_ms = now_ms - behind_s * 1000 - number * 700
                self._send(*self._identity(), self._version(7, start_ms, now_ms))
            return reply

        self.stage.standin.troubles.add(Trouble(where=on_path("observations"), times=1, change=after))

    # ------------------------------------------------------------ the end

    def teardown(self) -> None:
        try:
            self._come_to_rest()
            found, right = self.ledger(), self.truth.facts(self.stage.clock.now_ms())
            assert found == right, f"only in the ledger: {found - right}; missing there: {right - found}"
            before = self._content()
            self._read_all_again()
            assert self._content() == before, "reading again changed the ledger"
            assert self._totals() == (sum(self.ledger().values()), sum(fact[3] for fact in self.ledger().elements()))
        finally:
            self.stage.close()
            self._folder.cleanup()

    def _come_to_rest(self) -> None:
        """Nothing goes wrong any more, all that is late has come, and every hour had its turn."""
        self.stage.langfuse_up()
        self.stage.runner.fatal = self.stage.wire.fatal = None
        self.stage.round()
        self.stage.clock.go_on(7 * HOUR_MS)
        for _ in range(6):
            self.stage.clock.go_on(MINUTE_MS)
            self.stage.round()
        self._read_all_again()

    def _read_all_again(self) -> None:
        """Compare until each hour was read once more by the weekly sweep."""
        self.stage.clock.go_on(HOUR_MS)
        self.stage.round()
        began_ms = self.stage.clock.now_ms()
        for _ in range(500):
            report = self._compare(most=10_000)
            assert report.failure is None
            swept = all(hour.after.reading and hour.after.reading.read_at_ms >= began_ms for hour in report.hours)
            self.stage.clock.go_on(1000)
            if swept and not report.left:
                wrong = [(hour.after.hour_ms, hour.after) for hour in report.hours if hour.after.unexplained_pico]
                assert report.drift_pico == 0, wrong
                return
        raise AssertionError("the sweep never ended")

    # ------------------------------------------------------------ how it is done

    def _call(self, cents: int, ago_s: int, late_s: int, team: str, user: str) -> None:
        now_ms = self.stage.clock.now_ms()
        self._send(*self._identity(), self._version(cents, now_ms - ago_s * 1000, now_ms + late_s * 1000, team, user))

    def _identity(self) -> tuple[str, str]:
        self.made += 1
        return f"{self.made:032x}", f"{self.made:016x}"

    def _version(self, cents: int, start_ms: int, arrives_ms: int, team: str = "", user: str = "") -> Version:
        """`updated_ms` is when it was written, which is no later than it can be read."""
        updated_ms = min(self.stage.clock.now_ms(), arrives_ms)
        return Version(start_ms, updated_ms, cents * 10**10, 10 * cents + 1, team, user, arrives_ms, 0)

    def _send(self, trace_id: str, id_: str, version: Version) -> None:
        self.truth.send(trace_id, id_, version)
        self.stage.warehouse.add([_span(trace_id, id_, version)])

    def _pick(self, data: st.DataObject) -> tuple[Call, Version]:
        calls = list(self.truth.calls.values())
        call = data.draw(st.sampled_from(calls[-40:]), label="call")
        return call, call.versions[-1]

    def _surviving(self, act: Callable[[], object]) -> None:
        if self.stage.dies(act):
            self.stage.repeats_allowed += 1
            self.stage.restart()

    def _compare(self, *, most: int) -> ReconcileReport:
        (watched,) = self.stage.watched
        if watched.state is None or not watched.identified:
            return ReconcileReport("")
        reader = Reader(watched.entry.source, watched.state.key, Resolver(self.stage.book.rules.attribution))
        since = need_from(self.stage.book.rules, self.stage.clock.now_ms())
        stage = self.stage
        work = reconcile_pass(reader, stage.store, stage.runner, stage.clock, from_ms=since, most=most)
        return stage._run(work)

    def ledger(self) -> Counter[Fact]:
        """What the database holds, read without the product's own queries."""
        rows = self._query(
            "SELECT g.trace, g.obs, g.start_ms, g.cost, g.total, d.team, t.value FROM generation g"
            " JOIN dims d ON d.id = g.dims JOIN text t ON t.id = g.person WHERE g.counted = 1"
        )
        return Counter(
            (unpack(trace), unpack(obs), start, cost, total, _own(team), _own(user))
            for trace, obs, start, cost, total, team, user in rows
        )

    def _content(self) -> list[Any]:
        return self._query("SELECT * FROM generation ORDER BY project, start_ms, trace, obs")

    def _totals(self) -> tuple[int, int]:
        ((generations, hi, lo),) = self._query("SELECT generations, cost_hi, cost_lo FROM project")
        return generations, hi * 10**6 + lo

    def _query(self, sql: str) -> list[Any]:
        with sqlite3.connect(self.stage.store.path) as database:
            rows = database.execute(sql).fetchall()
        database.close()
        return rows


def _span(trace_id: str, id_: str, version: Version) -> Span:
    return Span(
        id=id_,
        trace_id=trace_id,
        start_ms=version.start_ms,
        name="call",
        environment="production",
        model="gpt-4o",
        user_id=version.user,
        metadata={"team": version.team} if version.team else {},
        usage={"input": version.tokens},
        cost={"input": Decimal(version.cost_pico).scaleb(-12)},
        created_ms=version.updated_ms,
        updated_ms=version.updated_ms,
        arrives_ms=version.arrives_ms,
    )


def _own(value: str) -> str:
    return "" if value == "unknown" else value
