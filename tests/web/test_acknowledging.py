"""Acknowledging an incident over the API, with the token for changes; who did is shown wherever the incident is."""

import json
from dataclasses import replace

import httpx
import pytest

from fusewatch.domain.notices import State
from tests.web.pictures import BUSY, CROSSED, NOW, Daemon, asked, get, request

ACKED = replace(CROSSED, acked_ms=NOW - 60_000, acked_by="<b>ana</b>")


def post(incident: str, author: object = "ana", token: str | None = "w") -> httpx.Request:
    wish = request(f"/api/v1/incidents/{incident}/acknowledge", method="POST", token=token)
    headers = {**wish.headers, "content-type": "application/json"}
    return httpx.Request("POST", wish.url, headers=headers, content=json.dumps({"author": author}).encode())


def test_somebody_looks_after_an_incident() -> None:
    (answer,) = asked(Daemon(web_token="w", incidents=[CROSSED]).app(), post(CROSSED.id))
    assert answer.status_code == 200
    assert answer.json() == {
        "id": CROSSED.id,
        "state": "open",
        "acknowledged_by": "ana",
        "acknowledged_at": "2026-11-24T15:42:08.000Z",
    }


@pytest.mark.parametrize(("web_token", "presented", "status"), [("w", None, 401), ("w", "r", 401), (None, "w", 404)])
def test_without_the_token_for_changes_nobody_does(web_token: str | None, presented: str | None, status: int) -> None:
    daemon = Daemon(web_token=web_token, read_token="r", incidents=[CROSSED])
    (answer,) = asked(daemon.app(), post(CROSSED.id, token=presented))
    assert answer.status_code == status


def test_what_cannot_be_meant_says_why() -> None:
    over = replace(CROSSED, state=State.RESOLVED)
    app = Daemon(web_token="w", incidents=[over]).app()
    unknown, ended, nobody, shape = asked(app, post("NONE"), post(over.id), post(over.id, " "), post(over.id, 1))
    assert (unknown.status_code, unknown.json()["detail"]) == (404, "No incident has the id NONE.")
    assert (ended.status_code, ended.json()["detail"]) == (409, f"Incident {over.id} is over.")
    assert (nobody.status_code, shape.status_code) == (422, 422)


def test_the_page_and_the_api_say_who_looks_after_it() -> None:
    daemon = Daemon(replace(BUSY, open_incidents=(ACKED,)))
    page = get(daemon, "/").text
    assert "acknowledged by <bdi>&lt;b&gt;ana&lt;/b&gt;</bdi> 16:41" in page
    (body,) = get(daemon, "/api/v1/incidents?state=open").json()["incidents"]
    assert (body["acknowledged_by"], body["acknowledged_at"]) == ("<b>ana</b>", "2026-11-24T15:41:08.000Z")
