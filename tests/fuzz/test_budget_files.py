"""Whatever stands in a budget file or in a file of rule tests: ConfigError or rules, within two seconds."""

import time
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from fusewatch.config.rulefile import load, load_text
from fusewatch.config.testfile import load_tests_text
from fusewatch.errors import ConfigError
from tests.fuzz.effort import looked_at

BUDGETS = "budget files"
HERE = Path(__file__).parents[1]
GOOD = [path.read_bytes() for path in sorted((HERE / "config" / "good").glob("*.yaml"))]
TESTS = """\
budgets: |
  version: 1
  budgets:
    - {name: cap, limit: $10, every: day}
tests:
  - name: over
    spend:
      - {at: "10:00", usd: 12, feature: chat}
    expect:
      - {at: "10:01", rule: cap, threshold: 100%}
"""
WORDS = st.sampled_from(
    [b"&a", b"*a", b"<<:", b"!!python/object:os.system",
     b"\xff\xfe", b"\x00", b"9" * 300, b"- ", b"[", b"{", b"\t", b"|",
     b"${X}", b"1e400", b"0x", b"2026-13-45", b"~", b"? ", b"%", b"$-1", b"-5m", b"every: 0d", "\u202e".encode()]
)  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn, of: list[bytes]) -> bytes:
    body = bytearray(draw(st.sampled_from(of)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(len(body) - 1, 0)))
        cut = draw(st.integers(0, 40))
        body[at : at + cut] = draw(st.one_of(WORDS, st.binary(max_size=10), st.just(bytes(body[at : at + cut] * 2))))
    return bytes(body)


@looked_at(150, BUDGETS)
@given(body=damaged(GOOD))
def test_no_bytes_of_a_budget_file_raise_anything_but_config_errors(body: bytes) -> None:
    began = time.process_time()
    try:
        load_text(body.decode("utf-8", "surrogateescape"), "budgets.yaml", {"X": "1"}, secrets=True)
    except ConfigError as error:
        said = error.problems
        if not said:
            raise
    assert time.process_time() - began < 2


@looked_at(60, BUDGETS)
@given(body=st.one_of(damaged(GOOD), st.binary(max_size=300)))
def test_no_bytes_on_the_disk_raise_anything_but_config_errors(body: bytes) -> None:
    path = Path(f"/dev/shm/fusewatch-fuzz-{id(looked_at)}.yaml")
    path.write_bytes(body)
    try:
        load(path, {}, secrets=False)
    except ConfigError as error:
        said = error.problems
        if not said:
            raise
    finally:
        path.unlink()


@looked_at(100, "files of rule tests")
@given(body=damaged([TESTS.encode()]))
def test_no_text_of_rule_tests_raises_anything_but_config_errors(body: bytes) -> None:
    began = time.process_time()
    try:
        load_tests_text(body.decode("utf-8", "replace"), "tests.yaml", {}, folder=Path(__file__).parent)
    except ConfigError as error:
        said = error.problems
        if not said:
            raise
    assert time.process_time() - began < 2
