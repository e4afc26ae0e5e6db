"""The container image, as far as its Dockerfile decides it."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.packaging import ROOT
from tests.packaging.declared import project_version, read
from tests.packaging.dockerfile import Stage, ours


def builder() -> Stage:
    return ours().stages[0]


def final() -> Stage:
    return ours().stages[-1]


def test_both_stages_stand_on_the_base_that_the_build_argument_names() -> None:
    assert ours().arguments == {"PYTHON_IMAGE": "python:3.13-slim"}
    assert [stage.base for stage in ours().stages] == ["${PYTHON_IMAGE}", "${PYTHON_IMAGE}"]


def test_everything_from_outside_is_installed_from_a_lock_with_hashes() -> None:
    installs = [part for run in builder().all("RUN") for part in run.split("&&") if " install " in part]
    assert installs
    for install in installs:
        assert "--require-hashes -r requirements" in install or ("--no-index" in install and "--no-deps" in install)


def test_the_dockerfile_names_no_host() -> None:
    assert re.findall(r"\w+://(?!/)\S*", read("Dockerfile")) == []


def test_only_the_environment_and_the_default_budget_file_reach_the_final_stage() -> None:
    assert final().all("COPY") == [
        "--from=builder /opt/fusewatch /opt/fusewatch",
        "config/budgets.yaml /etc/fusewatch/budgets.yaml",
    ]


def test_it_runs_as_a_numeric_user_that_is_not_root() -> None:
    user, group = final().one("USER").split(":")
    assert int(user) == int(group) >= 10_000
    assert f"useradd --uid {user} --gid {group}" in final().one("RUN")


def test_the_volume_belongs_to_the_user_and_holds_the_database_and_all_temporary_files() -> None:
    assert final().one("VOLUME") == final().one("WORKDIR") == "/data"
    assert "install -d -o 10001 -g 10001 -m 0750 /data" in final().one("RUN")
    assert final().environment()["FUSEWATCH_DATABASE_URL"] == "sqlite:////data/fusewatch.db"
    assert "TMPDIR" not in final().environment(), "an absent TMPDIR is what makes the working folder the fallback"


def test_nothing_is_written_beside_the_code_because_bytecode_came_with_the_image() -> None:
    assert final().environment()["PYTHONDONTWRITEBYTECODE"] == "1"
    assert "compileall" in builder().all("RUN")[-1]


def test_it_listens_for_the_outside_on_the_port_it_exposes() -> None:
    host, port = final().environment()["FUSEWATCH_LISTEN"].rsplit(":", 1)
    assert (host, port) == ("0.0.0.0", final().one("EXPOSE"))


def test_it_runs_the_daemon_without_a_shell_so_that_sigterm_reaches_it() -> None:
    assert json.loads(final().one("ENTRYPOINT")) == ["fusewatch"]
    assert json.loads(final().one("CMD")) == ["run"]
    assert final().one("STOPSIGNAL") == "SIGTERM"
    assert final().environment()["PATH"].startswith("/opt/fusewatch/bin:")


def test_the_label_tells_the_version_that_is_inside() -> None:
    labels = dict(pair.split("=", 1) for pair in shlex.split(final().one("LABEL")))
    assert labels["org.opencontainers.image.version"] == project_version()
    assert labels["org.opencontainers.image.licenses"] == "MIT"


def test_the_builder_receives_what_it_copies_and_nothing_by_accident() -> None:
    rules = [line for line in read(".dockerignore").splitlines() if line and not line.startswith("#")]
    assert rules[0] == "*"
    let_through = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = {
        source.split("/")[0]
        for copy in (*builder().all("COPY"), final().all("COPY")[1])
        for source in copy.split()[:-1]
    }
    assert copied == let_through
    assert [name for name in let_through if not (ROOT / name).exists()] == []
    assert any(fnmatch("**/__pycache__", rule) for rule in rules)


# ---------------------------------------------------------------- the health check, run for real


class Probe(BaseHTTPRequestHandler):
    """Answers /healthz with the server's status, everything else with 404."""

    def do_GET(self) -> None:
        assert isinstance(self.server, HealthServer)
        self.send_response(self.server.status if self.path == "/healthz" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep the test's output quiet."""


class HealthServer(ThreadingHTTPServer):
    status = 200


@contextmanager
def answering(status: int) -> Iterator[int]:
    """A server on loopback whose /healthz answers `status`; yields its port."""
    with HealthServer(("127.0.0.1", 0), Probe) as server:
        server.status = status
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def health_check(listen: str, **environment: str) -> int:
    """Run the image's health check with this interpreter; returns its exit code."""
    command = json.loads(final().one("HEALTHCHECK").partition(" CMD ")[2])
    assert command[0] == "/opt/fusewatch/bin/python"
    variables = {**os.environ, **environment, "FUSEWATCH_LISTEN": listen}
    done = subprocess.run([sys.executable, *command[1:]], env=variables, capture_output=True, check=False, timeout=30)
    return done.returncode


@pytest.mark.parametrize(
    ("status", "healthy"), [(200, True), (503, False), (404, False)], ids=["alive", "a loop is dead", "something else"]
)
def test_the_health_check_says_what_healthz_says(status: int, healthy: bool) -> None:
    with answering(status) as port:
        assert (health_check(f"0.0.0.0:{port}") == 0) is healthy


def test_the_health_check_follows_the_listen_address_of_the_operator() -> None:
    with answering(200) as port:
        assert health_check(f"127.0.0.1:{port}") == 0


def test_a_proxy_in_the_environment_does_not_fool_the_health_check() -> None:
    with answering(200) as port:
        assert health_check(f"0.0.0.0:{port}", HTTP_PROXY="http://127.0.0.1:1", http_proxy="http://127.0.0.1:1") == 0


def test_a_daemon_that_does_not_listen_is_unhealthy() -> None:
    with answering(200) as port:
        pass
    assert health_check(f"0.0.0.0:{port}") != 0
