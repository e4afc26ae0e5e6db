"""The OpenAPI document: kept in docs/, complete, and true: whatever it allows works, whatever it forbids is refused."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fusewatch.app.retold import Retold, Story
from fusewatch.app.whyfacts import Explained
from fusewatch.app.whyrules import UnknownKey
from fusewatch.domain.notices import Notice, Reason
from tests.web.apiserver import served
from tests.web.pictures import BUSY, CROSSED, NOW, Daemon, asked, get, request

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "docs" / "openapi.json"
CHANGES = {"post", "put", "patch", "delete"}
MOST_S = 40


def document() -> dict[str, Any]:
    found: dict[str, Any] = get(Daemon(), "/api/v1/openapi.json").json()
    return found


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_the_openapi_golden_file_is_what_the_daemon_tells() -> None:
    text = json.dumps(document(), indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert GOLDEN.read_text(encoding="utf-8") == text, "UPDATE_GOLDEN=1 writes it anew"


def test_every_answer_is_typed_and_every_problem_is_one() -> None:
    for path, method, operation in operations():
        for status, answer in operation["responses"].items():
            kind = "application/json" if int(status) < 400 else "application/problem+json"
            assert answer["content"][kind]["schema"], (path, method, status)
        assert {"401", "404", "422", "500", "503"} <= operation["responses"].keys(), (path, method)
        assert operation["summary"]


def test_every_list_has_pages_of_a_bounded_size() -> None:
    for path, method, operation in operations():
        if method != "get" or path.endswith("}") or path == "/api/v1/why":
            continue
        parameters = {one["name"]: one["schema"] for one in operation["parameters"]}
        assert parameters["limit"]["maximum"] == 1000, path
        assert "cursor" in parameters, path


def test_without_the_token_for_changes_every_change_that_the_document_names_is_refused() -> None:
    changes = [(path, method) for path, method, _ in operations() if method in CHANGES]
    assert len(changes) == 5
    app = Daemon(web_token="w", read_token="r", incidents=[CROSSED]).app()
    for path, method in changes:
        place = path.replace("{incident_id}", CROSSED.id).replace("{delivery_id}", "D1").replace("{silence_id}", "S1")
        for token in (None, "r", "W", ""):
            (answer,) = asked(app, request(place, method=method.upper(), token=token))
            assert answer.status_code == 401, (path, method, token)
            assert answer.headers["www-authenticate"] == 'Bearer realm="fusewatch"'
            assert answer.json()["status"] == 401


def changeable(router: object) -> set[tuple[str, str]]:
    """Every (method, path) of the application's own table of routes that is not for reading."""
    found: set[tuple[str, str]] = set()
    for route in getattr(router, "routes", ()):
        inner = getattr(route, "original_router", None)
        if inner is not None:
            found |= changeable(inner)
        else:
            found |= {(method, route.path) for method in getattr(route, "methods", None) or () if method not in READS}
    return found


READS = ("GET", "HEAD", "OPTIONS")


def test_the_document_names_every_change_there_is_below_the_api() -> None:
    app = Daemon(web_token="w").app()
    table = {(method, path) for method, path in changeable(app.app) if path.startswith("/api")}  # type: ignore[attr-defined]  # Starlette types the app as a callable
    told = {(method.upper(), path) for path, method, _ in operations() if method in CHANGES}
    assert table == told


def unknown(_: object) -> Explained:
    raise UnknownKey("nothing of the kind")


@pytest.mark.slow
@pytest.mark.timeout(170)
def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    """All its checks, in all its phases, over a real socket; a seed of its own each time, which it prints."""
    notice = Notice(CROSSED, Reason.OPENED, CROSSED.severity, CROSSED.level, NOW, NOW)
    daemon = Daemon(
        listen_is_loopback=False,
        web_token="w",
        read_token="r",
        incidents=[CROSSED],
        stories={CROSSED.id: Story(Retold(notice, ()), ())},
        dead=list(BUSY.stuck[:1]),
        answers=unknown,
    )
    # It knows of no 413, with which we answer a body above 64 KiB, whatever is in it.
    refusals = [400, 401, 403, 404, 405, 409, 413, 415, 422]
    (tmp_path / "schemathesis.toml").write_text(f"[checks.negative_data_rejection]\nexpected-statuses = {refusals}\n")
    program = (
        "import warnings, sys; from schemathesis.cli import schemathesis;"
        "sys.exit(schemathesis(sys.argv[1:], standalone_mode=True))"
    )
    with served(daemon) as server:
        arguments = [
            "run",
            f"{server.url}/api/v1/openapi.json",
            "--header=Authorization: Bearer w",
            "--checks=all",
            "--max-examples=5",
            "--phases=examples,coverage,fuzzing",
            "--continue-on-failure",
            "--no-color",
        ]
        ended = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            capture_output=True,
            text=True,
            timeout=160,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "NO_PROXY": "*"},
        )
    assert ended.returncode == 0, ended.stdout[-20_000:] + ended.stderr[-3000:]
