"""The machine: traffic, every trouble that Langfuse is known to make, kills at any step, and a ledger to be right.

Steps are drawn by hypothesis; a failing run prints its steps, shrunk. Langfuse is the stand-in, in-process and on the
machine's own clock; the passes and the database are the real ones.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from fusewatch.app.ingest import Reader
from fusewatch.app.reconcile import ReconcileReport, reconcile_pass
from fusewatch.demo.standin import DEMO_PROJECT, Mode
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
from tests.app.stage import Stage
from tests.app.when import DAY_MS, HOUR_MS, MINUTE_MS
from tests.model.held import content, facts, span_of, totals
from tests.model.truth import FILE_MODEL, LIST_MODEL, NO_MODEL, Call, Says, Truth, Version

RULES = """
history: 12d
watch: {{unattributed: false}}
attribution: {{team: [metadata.{team}]}}
prices: {prices}
budgets:
  - {{name: daily, limit: $20, every: day}}
  - {{name: teams, each: [team], limit: $5, every: day}}
"""
TRACE_OPEN_MS = 3 * HOUR_MS
"""How long after its first observation a trace gets more: with the latest arrival, well below the day that its facts
are kept."""

PRICES = ("3.00", "0.25", "")
"""US dollars for a million tokens of `FILE_MODEL` by the budget file, "" for none."""

says = st.builds(
    Says,
    team=st.sampled_from(("content", "search", "")),
    squad=st.sampled_from(("red", "blue", "")),
    user=st.sampled_from(("ann", "bob", "")),
)
"""An observation's own team, squad and user."""

model = st.sampled_from((LIST_MODEL, FILE_MODEL, NO_MODEL))
cents = st.one_of(st.integers(0, 400), st.integers(0, 400), st.none())
"""What a call costs; None: Langfuse has no price for it."""

ago_s = st.one_of(st.integers(0, 300), st.integers(0, 4 * 3600))
late_s = st.one_of(st.just(0), st.integers(0, 240), st.integers(0, 6 * 3600))


@dataclass(slots=True)
class Trace:
    """A trace of several observations that may get more of them. Its members say no more than `says`, where that is
    set."""

    id: str
    begun_ms: int
    start_ms: int
    says: Says | None
    moved: set[str] = field(default_factory=set)


class Ledger(RuleBasedStateMachine):
    """What is common to both APIs; `mode` is the server that answers.

    `steps` counts the steps of all runs. Outside the promise (docs/adr/0009), and never done: an observation that loses
    a value, one with values that moves within a trace.
    """

    mode = Mode.EVENTS_ONLY
    one_voice = False
    """Whether the members of a trace never contradict each other."""

    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self._folder = TemporaryDirectory()
        self.truth = Truth(of_v1=self.mode is Mode.LEGACY)
        self.price = ""
        self.stage = Stage(rules=self._rules(), folder=Path(self._folder.name) / "stage")
        self.stage.standin.mode = self.mode
        self.traces: list[Trace] = []
        self.made = 0

    @invariant()
    def counts_steps(self) -> None:
        type(self).steps += 1

    @initialize()
    def begins(self) -> None:
        self.stage.round()

    # ------------------------------------------------------------ traffic

    @rule(cents=cents, ago_s=ago_s, late_s=late_s, says=says, model=model)
    def calls(self, cents: int | None, ago_s: int, late_s: int, says: Says, model: str) -> None:
        """A call that started some time ago and can be read now or later."""
        now_ms = self.stage.clock.now_ms()
        version = self._version(cents, now_ms - ago_s * 1000, now_ms + late_s * 1000, says)
        self._send(*self._identity(), model, version)

    @rule(count=st.integers(2, 60), ago_s=ago_s, spread_ms=st.sampled_from([0, 1, 1000]))
    def calls_in_a_burst(self, count: int, ago_s: int, spread_ms: int) -> None:
        """Many calls that start at the same millisecond, or close to it: pages end in the middle of them."""
        now_ms = self.stage.clock.now_ms()
        for number in range(count):
            version = self._version(number, now_ms - ago_s * 1000 + number * spread_ms, now_ms)
            self._send(*self._identity(), LIST_MODEL, version)

    @rule(count=st.integers(1, 40), days=st.integers(1, 8), spread_s=st.sampled_from([1, 60, 3600]))
    def history_appears(self, count: int, days: int, spread_s: int) -> None:
        """What started days ago can be read only now, as after an upgrade of the server."""
        now_ms = self.stage.clock.now_ms()
        for number in range(count):
            version = self._version(number, now_ms - days * DAY_MS - number * spread_s * 1000, now_ms)
            self._send(*self._identity(), LIST_MODEL, version)

    @rule(ago_s=ago_s, late_s=late_s, says=says, root=st.booleans(), others=st.lists(says, min_size=1, max_size=4))
    def a_trace_begins(self, ago_s: int, late_s: int, says: Says, root: bool, others: list[Says]) -> None:
        """Calls of one trace, and perhaps the span around them, which can be read only when it ends."""
        now_ms = self.stage.clock.now_ms()
        self.made += 1
        start_ms = now_ms - ago_s * 1000
        trace = Trace(f"{self.made:032x}", now_ms, start_ms, says if self.one_voice else None)
        self.traces.append(trace)
        if root:
            self._join(trace, None, start_ms, late_s, says, span=True)
        for number, other in enumerate(others):
            self._join(trace, number, start_ms + number * 500, 0, other)

    @precondition(lambda self: self._open_traces())
    @rule(
        data=st.data(),
        cents=cents,
        after_s=st.integers(-1800, 1800),
        late_s=late_s,
        says=says,
        span=st.booleans(),
        model=model,
    )
    def a_trace_goes_on(
        self, data: st.DataObject, cents: int | None, after_s: int, late_s: int, says: Says, span: bool, model: str
    ) -> None:
        """One more call or span, which may start before all others and may come late."""
        trace = self._open_traces()[-1 - data.draw(st.integers(0, len(self._open_traces()) - 1), label="trace")]
        start_ms = min(trace.start_ms + after_s * 1000, self.stage.clock.now_ms())
        self._join(trace, cents, start_ms, late_s, says, span=span, model=model)

    @precondition(lambda self: self._changeable())
    @rule(data=st.data(), cents=cents, late_s=late_s, says=says)
    def is_updated(self, data: st.DataObject, cents: int | None, late_s: int, says: Says) -> None:
        """A newer version: another cost or a price at last, and perhaps another team, squad or user."""
        call, last = self._pick(data)
        now_ms = self.stage.clock.now_ms()
        updated_ms = max(now_ms, last.updated_ms + 1)
        before = call.ever_said()
        trace = self._trace_of(call)
        if trace is not None and call.id in trace.moved:
            says = before
        elif trace is not None and trace.says is not None:
            says = _within(says, trace.says)
        changed = self._version(cents, last.start_ms, now_ms + late_s * 1000, _kept(says, before))
        if not last.is_call:
            changed = changed._replace(cost_pico=None, tokens=0)
        self._send(call.trace_id, call.id, call.model, changed._replace(updated_ms=updated_ms))

    @precondition(lambda self: self._changeable())
    @rule(data=st.data(), late_s=late_s)
    def is_sent_again(self, data: st.DataObject, late_s: int) -> None:
        """The very same version once more: two rows until a merge."""
        call, last = self._pick(data)
        arrives_ms = max(last.arrives_ms, self.stage.clock.now_ms() + late_s * 1000)
        self._send(call.trace_id, call.id, call.model, last._replace(arrives_ms=arrives_ms))

    @precondition(lambda self: self._changeable())
    @rule(data=st.data(), by_s=st.integers(-5 * 3600, 5 * 3600), tie=st.booleans())
    def moves(self, data: st.DataObject, by_s: int, tie: bool) -> None:
        """A newer version, or one of the very same instant, with another start."""
        call, last = self._pick(data)
        now_ms = self.stage.clock.now_ms()
        if self.truth.of_v1 and any(v.arrives_ms > now_ms for v in call.versions):
            return  # which start such a server sees first is not decided yet
        trace = self._trace_of(call)
        if trace is not None:
            if any(call.ever_said()):
                return
            trace.moved.add(call.id)
        start_ms = min(last.start_ms + by_s * 1000, now_ms)
        updated_ms = last.updated_ms if tie else max(now_ms, last.updated_ms + 1)
        moved = last._replace(start_ms=start_ms, updated_ms=updated_ms, arrives_ms=now_ms)
        self._send(call.trace_id, call.id, call.model, moved)

    @precondition(lambda self: self._changeable())
    @rule(data=st.data())
    def is_deleted(self, data: st.DataObject) -> None:
        """Langfuse forgets a trace. What the ledger had seen of it was spent."""
        call, _ = self._pick(data)
        now_ms = self.stage.clock.now_ms()
        members = self.truth.of_trace(call.trace_id)
        if any(v.arrives_ms > now_ms for member in members for v in member.versions):
            return
        self.stage.standin.store.advance(now_ms)
        self.stage.warehouse.delete_trace(DEMO_PROJECT, call.trace_id)
        held = {fact[:2]: fact for fact in facts(self.stage)}
        for member in members:
            member.deleted_at, member.kept = self.truth.sent, held.get((member.trace_id, member.id))

    # ------------------------------------------------------------ the daemon

    @rule(minutes=st.sampled_from([1, 1, 1, 2, 7, 45]))
    def polls(self, minutes: int) -> None:
        self.stage.clock.go_on(minutes * MINUTE_MS)
        self._surviving(self.stage.round)

    @rule()
    def compares(self) -> None:
        self._surviving(lambda: self._compare(most=24))

    @rule()
    def prices(self) -> None:
        self._surviving(self.stage.price)

    @rule(price=st.sampled_from(PRICES))
    def prices_are_edited(self, price: str) -> None:
        self.price = price
        self.truth.file_price = int(float(price) * 10**6) if price else None
        self._surviving(lambda: self.stage.reload(self._rules()))

    @rule(team=st.sampled_from(["team", "squad"]))
    def attribution_is_edited(self, team: str) -> None:
        self.truth.team_from = team
        self._surviving(lambda: self.stage.reload(self._rules()))

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
                self._send(*self._identity(), LIST_MODEL, self._version(7, start_ms, now_ms))
            return reply

        self.stage.standin.troubles.add(Trouble(where=on_path("observations"), times=1, change=after))

    # ------------------------------------------------------------ the end

    def teardown(self) -> None:
        try:
            self._come_to_rest()
            self._assert_right()
            before = content(self.stage)
            self._read_all_again()
            again = content(self.stage)
            changed = [pair for pair in zip(before, again, strict=False) if pair[0] != pair[1]]
            assert again == before, f"reading again changed the ledger: {changed[:3]}"
        finally:
            self.stage.close()
            self._folder.cleanup()

    def _assert_right(self) -> None:
        held, true = facts(self.stage), self.truth.facts(self.stage.clock.now_ms())
        assert held == true, f"too many: {sorted(held - true)[:5]}, missing: {sorted(true - held)[:5]}"
        whole = list(held.elements())
        unpriced = sum(fact.unpriced for fact in whole)
        sums = sum(fact.cost_pico for fact in whole), sum(fact.estimate_pico for fact in whole)
        assert totals(self.stage) == (len(whole), *sums, unpriced)

    def _come_to_rest(self) -> None:
        """Nothing goes wrong any more, all that is late has come, and every hour had its turn."""
        self.stage.langfuse_up()
        self.stage.standin.mode = self.mode
        self.stage.runner.fatal = self.stage.wire.fatal = None
        self.stage.round()
        self.stage.clock.go_on(7 * HOUR_MS)
        for _ in range(6):
            self.stage.clock.go_on(MINUTE_MS)
            self.stage.round()
        self._read_all_again()

    def _read_all_again(self) -> None:
        """Compare until the weekly sweep has read each hour once more, and price what Langfuse could not."""
        self.stage.clock.go_on(HOUR_MS)
        self.stage.round()
        read: set[int] = set()
        for _ in range(700):
            report = self._compare(most=10_000)
            assert report.failure is None
            read |= {hour.before.hour_ms for hour in report.hours if hour.read}
            self.stage.clock.go_on(1000)
            if not report.left and read >= {hour.before.hour_ms for hour in report.hours}:
                assert report.drift_pico == 0, [hour.after for hour in report.hours if hour.after.unexplained_pico]
                assert not any(report.failure for report in self.stage.price())
                return
        raise AssertionError("the sweep never ended")

    # ------------------------------------------------------------ how it is done

    def _rules(self) -> str:
        entries = f'[{{match: "^my-ft-", input: {self.price}, per: 1M}}]' if self.price else "[]"
        return RULES.format(team=self.truth.team_from, prices=entries)

    def _identity(self) -> tuple[str, str]:
        self.made += 1
        return f"{self.made:032x}", f"{self.made:016x}"

    def _version(self, cents: int | None, start_ms: int, arrives_ms: int, says: Says = Says()) -> Version:  # noqa: B008 - read only
        """`updated_ms` is when it was written, which is no later than it can be read."""
        updated_ms = min(self.stage.clock.now_ms(), arrives_ms)
        cost_pico = None if cents is None else cents * 10**10
        return Version(start_ms, updated_ms, cost_pico, 10 * (cents or 0) + 1, says, arrives_ms)

    def _join(
        self,
        trace: Trace,
        cents: int | None,
        start_ms: int,
        late_s: int,
        says: Says,
        *,
        span: bool = False,
        model: str = LIST_MODEL,
    ) -> None:
        self.made += 1
        if trace.says is not None:
            says = _within(says, trace.says)
        version = self._version(cents, start_ms, self.stage.clock.now_ms() + late_s * 1000, says)
        if span:
            version = version._replace(cost_pico=None, tokens=0)
        self._send(trace.id, f"{self.made:016x}", model, version)

    def _send(self, trace_id: str, id_: str, model: str, version: Version) -> None:
        self.truth.send(trace_id, id_, model, version)
        self.stage.warehouse.add([span_of(trace_id, id_, model, version)])

    def _open_traces(self) -> list[Trace]:
        now_ms = self.stage.clock.now_ms()
        return [t for t in self.traces if now_ms < t.begun_ms + TRACE_OPEN_MS and not self._is_deleted(t)]

    def _is_deleted(self, trace: Trace) -> bool:
        return any(call.deleted_at > 0 for call in self.truth.of_trace(trace.id))

    def _trace_of(self, call: Call) -> Trace | None:
        return next((trace for trace in self.traces if trace.id == call.trace_id), None)

    def _changeable(self) -> list[Call]:
        """The latest observations, without those of a trace that gets no more of them."""
        closed = {trace.id for trace in self.traces} - {trace.id for trace in self._open_traces()}
        return [call for call in list(self.truth.calls.values())[-40:] if call.trace_id not in closed]

    def _pick(self, data: st.DataObject) -> tuple[Call, Version]:
        call = data.draw(st.sampled_from(self._changeable()), label="call")
        return call, call.versions[-1]

    def _surviving(self, act: Callable[[], object]) -> None:
        if self.stage.dies(act):
            self.stage.repeats_allowed += 1
            self.stage.restart()

    def _compare(self, *, most: int) -> ReconcileReport:
        stage = self.stage
        (watched,) = stage.watched
        if watched.state is None or not watched.identified:
            return ReconcileReport("")
        rules = stage.book.rules
        book = stage.store.ingest(watched.state.key, lambda unit: watched.shelf.take(unit, rules.prices))
        reader = Reader(watched.entry.source, watched.state.key, Resolver(rules.attribution), prices=book)
        since = need_from(rules, stage.clock.now_ms())
        work = reconcile_pass(reader, stage.store, stage.runner, stage.clock, from_ms=since, most=most)
        return stage._run(work)


class LedgerOfV1(Ledger):
    """Langfuse 3: one start for each call, users and tags on the trace alone."""

    mode = Mode.LEGACY


class LedgerOverUpgrades(Ledger):
    """A server that is set back to v3 and upgraded again, more than once: in between v2 answers, and is empty."""

    one_voice = True

    @rule(optin=st.booleans())
    def the_server_is_set_back(self, optin: bool) -> None:
        self.stage.standin.mode = Mode.LEGACY_OPTIN if optin else Mode.LEGACY

    @rule()
    def the_server_is_upgraded(self) -> None:
        self.stage.standin.mode = self.mode


def _within(says: Says, most: Says) -> Says:
    """No other values than those of the trace."""
    return Says._make(there if said else "" for said, there in zip(says, most, strict=True))


def _kept(says: Says, before: Says) -> Says:
    """With the values that were there before in place of none."""
    return Says._make(said or there for said, there in zip(says, before, strict=True))
