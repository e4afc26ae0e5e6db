"""Strategies for incidents and messages of every kind."""

from hypothesis import strategies as st

from fusewatch.domain.notices import (
    Cause,
    Crossing,
    Gap,
    Incident,
    Kind,
    Message,
    MessageKind,
    Notice,
    Reason,
    StartSummary,
    State,
    Timing,
)  # fmt: skip
from fusewatch.domain.rules import Severity, Unit

texts = st.text(st.characters(codec="utf-8"), max_size=8)
shares = st.fractions(max_denominator=1000)
amounts = st.integers(-(10**20), 10**20)
times = st.integers(0, 2**44)
pairs = st.lists(st.tuples(texts, texts), max_size=2).map(tuple)

crossings = st.builds(Crossing, shares, st.sampled_from(Severity), amounts, times, times)

incidents = st.builds(
    Incident,
    id=texts,
    kind=st.sampled_from(Kind),
    rule=texts,
    key=st.lists(texts, max_size=2).map(tuple),
    labels=pairs,
    period=texts,
    period_start_ms=times,
    period_end_ms=times,
    timezone=texts,
    episode=st.integers(1, 3),
    state=st.sampled_from(State),
    severity=st.sampled_from(Severity),
    level=shares,
    limit=amounts,
    unit=st.sampled_from(Unit),
    measured=amounts,
    opened_ms=times,
    changed_ms=times,
    crossings=st.lists(crossings, max_size=2).map(tuple),
    told=st.lists(texts, max_size=2).map(tuple),
    timing=st.sampled_from(Timing),
    baseline=st.none() | amounts,
    baseline_days=st.integers(0, 60),
    detail=texts,
)

notices = st.builds(
    Notice,
    incident=incidents,
    reason=st.sampled_from(Reason),
    severity=st.sampled_from(Severity),
    threshold=shares,
    at_ms=times,
    as_of_ms=times,
    cause=st.sampled_from(Cause),
    previous=st.none() | amounts,
    at_least=st.booleans(),
    labels=pairs,
    runbook=texts,
)

gaps = st.builds(
    Gap,
    texts,
    times,
    st.none() | times,
    texts,
    amounts,
    st.lists(st.tuples(texts, texts, times), max_size=2).map(tuple),
)
starts = st.builds(StartSummary, st.lists(texts, max_size=2).map(tuple), times, times, amounts)

messages = st.builds(
    Message,
    id=texts,
    destination=texts,
    kind=st.sampled_from(MessageKind),
    severity=st.sampled_from(Severity),
    created_ms=times,
    notices=st.lists(notices, max_size=2).map(tuple),
    start=st.none() | starts,
    gap=st.none() | gaps,
    link=texts,
)
