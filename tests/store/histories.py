"""Made-up histories: versions of few observations, in batches of any order, so that they collide all the time."""

from hypothesis import strategies as st

from fusewatch.domain.usage import Generation, Pricing, Tokens
from tests.store.samples import CELL_MS, CHAT, NOBODY, SEARCH, T0, generation

_IDS = (("aa" * 16, "b1" * 8), ("aa" * 16, "b2" * 8), ("trace-1", "obs"), ("ff" * 16, "0C" * 8))
_STARTS = (T0, T0 + 1, T0 + CELL_MS, T0 + 9 * CELL_MS)


@st.composite
def versions(draw: st.DrawFn) -> Generation:
    trace_id, observation = draw(st.sampled_from(_IDS))
    return generation(
        observation,
        trace_id=trace_id,
        start_ms=draw(st.sampled_from(_STARTS)),
        updated_ms=draw(st.integers(1, 3)),
        cost_pico=draw(st.sampled_from((0, 5, 1_000_000, 7_000_000_123_456, 999_999_999_999_000_000, -3_000_001))),
        pricing=draw(st.sampled_from(Pricing)),
        tokens=draw(st.sampled_from((Tokens(), Tokens(10, 5, 1, 0, 0, 0, 2, 18)))),
        duration_ms=draw(st.sampled_from((None, 0, 100, 101, 400_000))),
        dimensions=draw(st.sampled_from((SEARCH, CHAT, NOBODY))),
        user=draw(st.sampled_from(("ann", "bob"))),
        session=draw(st.sampled_from(("s1", "s2"))),
    )


batches = st.lists(st.lists(versions(), max_size=6), max_size=6)
