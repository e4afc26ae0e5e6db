"""Ids are kept small and come back exactly as they were."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusewatch.store.ids import identity_hash, pack, unpack

hex_ids = st.binary(max_size=20).map(bytes.hex)
any_ids = st.one_of(st.text(), hex_ids, hex_ids.map(str.upper), st.from_regex(r"[0-9a-f -]{0,40}", fullmatch=True))


@settings(deadline=None)
@given(any_ids)
def test_every_id_comes_back_as_it_was(text: str) -> None:
    assert unpack(pack(text)) == text


@settings(deadline=None)
@given(st.lists(any_ids, unique=True))
def test_different_ids_never_become_the_same_bytes(texts: list[str]) -> None:
    assert len({pack(text) for text in texts}) == len(texts)


@pytest.mark.parametrize(("text", "size"), [("4bf92f3577b34da6a3ce929d0e0e4736", 16), ("00f067aa0ba902b7", 8)])
def test_ids_of_opentelemetry_take_half_their_length(text: str, size: int) -> None:
    assert len(pack(text)) == size


@settings(deadline=None)
@given(st.integers(1, 1000), st.binary(max_size=20), st.binary(max_size=20))
def test_the_hash_of_an_identity_fits_a_signed_64_bit_column(project: int, trace: bytes, obs: bytes) -> None:
    assert -(2**63) <= identity_hash(project, trace, obs) < 2**63


def test_the_same_ids_in_another_project_have_another_hash() -> None:
    assert len({identity_hash(project, b"t", b"o") for project in range(1, 1000)}) == 999
