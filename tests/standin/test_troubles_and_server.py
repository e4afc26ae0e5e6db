"""Ordered troubles, the request log, and the stand-in on a real socket."""

from __future__ import annotations

import json
import subprocess
import sys
import threading

import httpx
import pytest

from fusewatch.demo.standin import DEMO_PUBLIC_KEY, DEMO_SECRET_KEY, Span, StandinServer, Store, troubles
from fusewatch.demo.standin.troubles import Trouble
from tests.standin.asking import NOW_MS, Clock, ask, data, recording, standin

KEY = (DEMO_PUBLIC_KEY, DEMO_SECRET_KEY)


def spans(count: int) -> list[Span]:
    return [Span(id=f"{number:05}", trace_id="t", start_ms=NOW_MS - number) for number in range(count)]


@pytest.mark.parametrize(
    ("reply", "name"),
    [
        (troubles.CLICKHOUSE_DOWN, "fail_clickhouse_down_v2_observations"),
        (troubles.SERVICE_UNAVAILABLE, "fail_postgres_down_uncached_key"),
    ],
)
def test_a_failing_backend_answers_as_recorded_for_as_often_as_ordered(reply: object, name: str) -> None:
    app, held = standin(), recording(name)
    assert isinstance(reply, type(troubles.CLICKHOUSE_DOWN))
    app.troubles.add(Trouble(times=2, instead=reply))
    answers = [ask(app, "v2/observations") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [held["status"], held["status"], 200]
    assert answers[0].json() == held["body"]


def test_a_timeout_above_a_limit_goes_away_with_a_smaller_page() -> None:
    app = standin(spans(3))
    app.troubles.add(troubles.times_out_above(250))
    big = ask(app, "v2/observations", {"limit": "1000"})
    assert (big.status_code, big.json()["error"]) == (422, "Request timed out")
    assert ask(app, "v2/observations", {"limit": "251"}).status_code == 422
    assert len(data(ask(app, "v2/observations", {"limit": "250"}))) == 3


def test_html_truncated_json_and_a_gateway_page_come_in_the_ordered_sequence() -> None:
    app = standin(spans(3))
    app.troubles.add(troubles.html_instead(), troubles.truncated_json(), Trouble(instead=troubles.GATEWAY_TIMEOUT))
    login, cut, gateway, good = (ask(app, "v2/observations") for _ in range(4))
    assert (login.status_code, login.headers["content-type"]) == (200, "text/html; charset=utf-8")
    with pytest.raises(json.JSONDecodeError):
        cut.json()
    assert (gateway.status_code, gateway.text[:15]) == (504, "<!DOCTYPE html>")
    assert len(data(good)) == 3


def test_malformed_rows_stand_among_good_ones() -> None:
    app = standin(spans(3))
    app.troubles.add(troubles.malformed_rows())
    rows = data(ask(app, "v2/observations"))
    assert len(rows) == 3 + len(troubles.MALFORMED_ROWS)
    assert [row["id"] for row in rows[1:4]] == ["00000", "00001", "00002"]


def test_a_trouble_waits_for_the_request_it_is_meant_for() -> None:
    app = standin()
    app.troubles.add(Trouble(where=troubles.on_path("metrics"), instead=troubles.SERVICE_UNAVAILABLE))
    assert ask(app, "v2/observations").status_code == 200
    assert ask(app, "v2/metrics").status_code == 503
    assert ask(app, "v2/metrics").status_code == 400


def test_a_rate_limit_out_of_turn_names_its_wait() -> None:
    app = standin()
    app.troubles.add(troubles.rate_limited(7))
    refused = ask(app, "v2/observations")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "7")


def test_the_log_holds_what_was_asked_when_and_with_what_outcome() -> None:
    app = standin()
    ask(app, "v2/observations", {"limit": "5", "fields": "core"})
    ask(app, "projects", auth=None)
    first, second = app.log
    assert (first.path, first.param("limit"), first.param("cursor")) == ("/api/public/v2/observations", "5", None)
    assert [(seen.status, seen.at_ms) for seen in (first, second)] == [(200, NOW_MS), (401, NOW_MS)]
    assert app.requests("v2/") == [first]


def test_the_server_answers_on_loopback_and_frees_its_port() -> None:
    with StandinServer(Store(spans(3)), now_ms=Clock()) as server, httpx.Client(auth=KEY) as client:
        answer = client.get(f"{server.url}/api/public/v2/observations", params={"limit": "2"})
        assert len(answer.json()["data"]) == 2
        assert answer.headers["date"] == "Sun, 22 Nov 2026 15:00:00 GMT"
        assert "server" not in answer.headers
        url = server.url
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/api/public/health")
    assert not [thread for thread in threading.enumerate() if thread.name == "langfuse-standin"]


def test_the_server_can_be_started_on_the_port_of_one_that_stopped() -> None:
    first = StandinServer(Store(), now_ms=Clock())
    with first:
        port = int(first.url.rsplit(":", 1)[1])
    with StandinServer(Store(), now_ms=Clock(), port=port) as second:
        assert httpx.get(f"{second.url}/api/public/health").json()["status"] == "OK"


def test_a_connection_lost_in_the_middle_of_an_answer_is_a_protocol_error_and_the_next_one_works() -> None:
    with StandinServer(Store(spans(400)), now_ms=Clock()) as server, httpx.Client(auth=KEY) as client:
        server.troubles.add(troubles.lost_connection())
        with pytest.raises(httpx.RemoteProtocolError):
            client.get(f"{server.url}/api/public/v2/observations", params={"limit": "400"})
        again = client.get(f"{server.url}/api/public/v2/observations", params={"limit": "400"})
        assert len(again.json()["data"]) == 400
        assert [seen.status for seen in server.log] == [0, 200]


def test_a_slow_answer_runs_into_the_clients_timeout() -> None:
    with StandinServer(Store(), now_ms=Clock()) as server:
        server.troubles.add(troubles.slow(30.0))
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{server.url}/api/public/v2/observations", auth=KEY, timeout=0.1)


def test_gzip_is_used_when_the_server_is_told_to_and_the_client_offers_it() -> None:
    with StandinServer(Store(spans(100)), now_ms=Clock(), compress=True) as server, httpx.Client(auth=KEY) as client:
        packed = client.get(f"{server.url}/api/public/v2/observations")
        plain = client.get(f"{server.url}/api/public/v2/observations", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 5
    assert packed.json() == plain.json()


def test_the_stand_in_runs_as_a_process_of_its_own_and_ends_on_sigterm() -> None:
    command = [sys.executable, "-m", "fusewatch.demo.standin", "--days", "1", "--mode", "events_only"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[0]
            body = httpx.get(f"{url}/api/public/v2/observations", auth=KEY, params={"limit": "3"}).json()
            assert len(body["data"]) == 3
        finally:
            process.terminate()
        _, errors = process.communicate(timeout=20)
    assert errors == ""
