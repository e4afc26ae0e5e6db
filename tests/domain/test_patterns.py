"""Foreign regular expressions: those that others wrote are used only where no text can keep us busy for ever."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusewatch.domain.patterns import compile_pattern, compile_postgres

LANGFUSES_OWN = (
    r"(?i)^(openai/)?(gpt-4o)$",
    r"(?i)^(chat-bison)(@[a-zA-Z0-9]+)?$",
    r"(?i)^(ft:)(gpt-3.5-turbo-1106:)(.+)(:)(.*)(:)(.+)$",
    r"(?i)^((anthropic\/)?claude-opus-5|(eu\.|us\.|apac\.|au\.|jp\.|global\.)?anthropic\.claude-opus-5(-v1(:0)?)?)$",
    r"(?i)^(google(ai)?/)?(gemini-2.5-pro)$",
)


@pytest.mark.parametrize("pattern", LANGFUSES_OWN)
def test_the_patterns_of_langfuses_own_list_can_all_be_used(pattern: str) -> None:
    assert compile_postgres(pattern).search("nothing of ours") is None


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$",
        "(a|a)*b",
        "(a?){2,}b",
        "((a{1,9}){9}){9}b",
        "(?:(?:a*)b?)*c",
        "a*a*a*a*a*b",
        "a?" * 30 + "a" * 30,
        "([a-z]+-)+$",
        "(a++)+b",
        "a" * 2000,
    ],
)
def test_what_may_run_for_ever_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"too long|longer than"):
        compile_pattern(pattern)


@pytest.mark.parametrize(
    "pattern", ["^my-ft-", "[*+(]+x", r"(abc)+", r"\(a+\)+", "(?:ab){3}", "a{2,3}b|c", "a{x}b", "[]a]*"]
)
def test_harmless_patterns_are_used(pattern: str) -> None:
    compile_pattern(pattern)


@pytest.mark.parametrize("pattern", ["[", "(?<x", "a{2", "*a", "(?i", "a)", r"\y", "***=x", "[[.hyphen.]]"])
def test_what_python_cannot_read_is_refused_or_literal_and_never_breaks(pattern: str) -> None:
    if pattern == "a{2":
        assert compile_postgres(pattern).search("a{2")
        return
    with pytest.raises(ValueError, match=r".+"):
        compile_postgres(pattern)


def test_the_named_sets_of_postgresql_are_understood() -> None:
    pattern = compile_postgres("^llama-[[:digit:]]+-[[:alpha:]]+$")
    assert pattern.search("llama-3-chat")
    assert not pattern.search("llama-x-chat")


@given(st.text("ab()|*+?{}2,[]\\^$.", max_size=24))
def test_whatever_is_let_through_answers_at_once(text: str) -> None:
    try:
        pattern = compile_pattern(text)
    except ValueError:
        return
    began = time.process_time()
    pattern.search("ab" * 60 + "a" * 60 + "!")
    assert time.process_time() - began < 2
