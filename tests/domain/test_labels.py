"""What stands in metadata becomes one clean line of text, or nothing."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusewatch.domain.labels import LONGEST, label_of


@pytest.mark.parametrize(
    ("value", "label"),
    [
        ("search", "search"),
        ("  search ", "search"),
        ("two  words\n\there", "two words here"),
        ("a\x00b\x1b[31mc\x85", "ab[31mc"),
        ("non\u2028breaking", "non breaking"),
        ("half \ud83d emoji", "half emoji"),
        ("поиск", "поиск"),
        ("007", "007"),
        ("unknown", "unknown"),
        (True, "true"),
        (False, "false"),
        (123, "123"),
        (0, "0"),
        (1.5, "1.5"),
        (100000.0, "100000"),
        (-0.0, "0"),
        (["search"], "search"),
        ([5], "5"),
        ("", ""),
        ("   ", ""),
        ("\x00", ""),
        (None, ""),
        ({}, ""),
        ([], ""),
        ({"name": "x"}, ""),
        (["a", "b"], ""),
        ([{"a": 1}], ""),
        ([["a"]], ""),
        ("x" * 500, "x" * LONGEST),
    ],
)
def test_a_value_becomes_the_label_that_people_would_write(value: object, label: str) -> None:
    assert label_of(value) == label


@pytest.mark.parametrize(
    ("stored", "label"),
    [
        ('"search"', "search"),
        ('"caf\\u00e9 \\"x\\""', 'café "x"'),
        ('"007"', "007"),
        ('"', '"'),
        ('"quoted" and more', '"quoted" and more'),
        ('"' + "L" * 199, "L" * 199),
        ('"' + "L" * 197 + "\\u", "L" * 197),
        ('"' + "L" * 194 + "\\u00e", "L" * 194),
        ('"' + "L" * 197 + "\\\\", "L" * 197 + "\\"),
        ('"' + "L" * 198 + "\\", "L" * 198),
    ],
)
def test_a_text_that_is_json_encoded_once_more_is_decoded_also_when_it_was_cut(stored: str, label: str) -> None:
    assert label_of(stored) == label


@given(st.text(max_size=300))
def test_sdk_4_and_sdk_5_store_a_text_differently_and_it_is_the_same_label(text: str) -> None:
    if text.strip().startswith('"'):
        return  # SDK 4 cannot tell a text in quotes from a JSON string, and Langfuse decodes it on read
    assert label_of(json.dumps(text)) == label_of(text)


@given(st.text(max_size=400))
def test_a_label_is_its_own_label_unless_it_is_in_quotes(text: str) -> None:
    label = label_of(text)
    if not label.startswith('"'):
        assert label_of(label) == label
