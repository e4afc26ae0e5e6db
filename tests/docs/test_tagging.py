"""The examples of docs/tagging.md: those that can run here do, and what they send arrives with its dimensions."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fusewatch.demo.standin import DEMO_PUBLIC_KEY, DEMO_SECRET_KEY, StandinServer, Store
from fusewatch.runtime import SystemClock
from fusewatch.tagging import __all__ as exported
from tests.tagging.providers import providers

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "tagging.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)
FOREIGN = {
    "langchain_core": {"feature", "team", "langfuse_user_id", "langfuse_session_id", "callbacks", "metadata"},
    "litellm": {"trace_metadata", "trace_user_id", "session_id", "tags", "feature", "team"},
}
"""Packages that the tests do not install, and the names under which they take dimensions: `CallbackHandler` of
langfuse.langchain (`_parse_langfuse_trace_attributes`), `LangfuseSpanAttributes` of litellm."""
ARRIVES = {
    "summarize(": ("summarization", "content", "user-17"),
    "reply(": ("chat-support", "support", ""),
    "record_usage(": ("search-assist", "search", ""),
    "propagate_attributes(": ("code-review", "engineering", "user-17"),
    "BatchSpanProcessor(": ("code-review", "engineering", "user-17"),
}


def foreign(block: str) -> str | None:
    return next((name for name in FOREIGN if re.search(rf"^(from|import) {name}\b", block, re.MULTILINE)), None)


def test_there_is_an_example_of_each_way() -> None:
    assert {foreign(block) for block in BLOCKS} == {None, *FOREIGN}
    for part in ARRIVES:
        assert any(part in block for block in BLOCKS)


@pytest.mark.parametrize("block", [block for block in BLOCKS if foreign(block) is None])
def test_an_example_runs_and_its_calls_arrive_with_their_dimensions(block: str, tmp_path: Path) -> None:
    now_ms = SystemClock().now_ms
    with StandinServer(Store(), now_ms=now_ms) as langfuse, providers() as (url, _):
        environment = {
            **{name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ},
            "LANGFUSE_PUBLIC_KEY": DEMO_PUBLIC_KEY,
            "LANGFUSE_SECRET_KEY": DEMO_SECRET_KEY,
            "LANGFUSE_BASE_URL": langfuse.url,
            "OPENAI_API_KEY": "k",
            "OPENAI_BASE_URL": f"{url}/v1",
            "ANTHROPIC_API_KEY": "k",
            "ANTHROPIC_BASE_URL": url,
        }
        command = [sys.executable, "-c", block]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        langfuse.store.advance(now_ms() + 60_000)
        calls = [span for span in langfuse.store if span.type == "GENERATION"]
    feature, team, user = next(expected for part, expected in ARRIVES.items() if part in block)
    assert calls
    for call in calls:
        held = {key: value.strip('"') for key, value in call.all_metadata().items()}
        assert (held["feature"], held["team"], call.user_id) == (feature, team, user)
        assert sum(call.usage.values()) > 0


@pytest.mark.parametrize("block", [block for block in BLOCKS if foreign(block) is not None])
def test_an_example_for_another_package_is_python_and_uses_the_names_that_the_package_reads(block: str) -> None:
    keys = {
        key.value
        for node in ast.walk(ast.parse(block))
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant)
    }
    assert keys - {"role", "content", "question"} == FOREIGN[foreign(block) or ""]


def test_every_function_of_the_helper_is_named_on_the_page() -> None:
    functions = {name for name in exported if name[0].islower()} - {"usage_of"}
    assert {name for name in functions if f"`{name}" not in DOCS and f"{name}(" not in DOCS} == set()
