"""What the code never does, looked up in its own text: there is no switch to turn a defence off."""

import ast
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "service" / "fusewatch"


@cache
def trees() -> dict[Path, ast.Module]:
    return {path.relative_to(PACKAGE): ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")}


@cache
def calls() -> Sequence[tuple[Path, ast.Call, str]]:
    """Every call in the package with the dotted name of what is called."""
    nodes = ((path, node) for path, tree in trees().items() for node in ast.walk(tree))
    return [(path, node, ast.unparse(node.func)) for path, node in nodes if isinstance(node, ast.Call)]


def test_certificates_are_checked_everywhere_and_nothing_can_turn_that_off() -> None:
    words = re.compile(r"CERT_NONE|check_hostname|_create_unverified_context|verify_mode|disable_warnings|ssl_verify")
    assert [str(path) for path in trees() if words.search((PACKAGE / path).read_text(encoding="utf-8"))] == []
    given = [(path, ast.unparse(k)) for path, call, _ in calls() for k in call.keywords if k.arg in {"verify", "cert"}]
    assert [str(path) for path, _ in given] == ["langfuse/transport.py"]
    assert given[0][1].startswith("verify=_trusted(")
    (trusted,) = [n for n in ast.walk(trees()[Path("langfuse/transport.py")]) if getattr(n, "name", "") == "_trusted"]
    assert ast.unparse(trusted).endswith("return httpx.create_ssl_context()"), "which checks, and cannot be told not to"


def test_redirects_are_followed_nowhere() -> None:
    clients = [(str(path), call) for path, call, name in calls() if name in {"httpx.AsyncClient", "httpx.Client"}]
    assert len(clients) >= 2
    for path, call in clients:
        follow = [ast.unparse(k.value) for k in call.keywords if k.arg == "follow_redirects"]
        assert follow == ["False"], path
    assert [str(path) for path, _, name in calls() if name in {"httpx.get", "httpx.post", "httpx.request"}] == []


@pytest.mark.parametrize(
    "name",
    ["eval", "exec", "os.system", "os.popen", "pickle.loads", "pickle.load", "marshal.loads", "yaml.load", "compile"],
)
def test_nothing_that_was_read_is_run(name: str) -> None:
    assert [str(path) for path, _, called in calls() if called == name] == []


def test_no_other_program_is_started_so_no_environment_is_handed_on() -> None:
    started = re.compile(r"^(subprocess\.|os\.(exec|spawn|posix_spawn|fork)|asyncio\.create_subprocess)")
    assert [(str(path), name) for path, _, name in calls() if started.match(name)] == []


def test_tokens_and_signatures_are_compared_in_constant_time() -> None:
    compared = [str(path) for path, _, name in calls() if name.endswith("compare_digest")]
    assert any(path.startswith("web/") for path in compared)
    for path, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Compare) and any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
                said = ast.unparse(node)
                assert not re.search(r"\b(read_token|web_token|signature|csrf)\b", said), f"{path}: {said}"
