"""Silences over the API and on the page: read as everything else, changed with the token for changes alone."""

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from fusewatch.domain.holding import Held
from fusewatch.domain.notices import Hold, Notice, Reason, Why
from fusewatch.domain.silences import Silence, silence_of
from fusewatch.web.access import Reading, judge_change
from tests.web.pictures import BUSY, CROSSED, MINUTE, NOW, Daemon, asked, get, request

PATH = "/api/v1/silences"
WISH = {"matchers": {"rule": ["*"]}, "ends_at": "2026-11-24T18:00:00Z", "comment": "known", "author": "ana"}
SILENCE = silence_of(
    {"rule": ["each-feature"], "feature": ["<b>a</b>", "b"]},
    starts_ms=NOW - MINUTE,
    ends_ms=NOW + 90 * MINUTE,
    author="ana",
    comment="<script>known</script>",
)


def post(body: object, token: str | None = "w", host: str = "127.0.0.1:9469") -> httpx.Request:
    wish = request(PATH, method="POST", token=token, host=host)
    headers = {**wish.headers, "content-type": "application/json"}
    return httpx.Request("POST", wish.url, headers=headers, content=json.dumps(body).encode())


@pytest.mark.parametrize(
    ("presented", "token", "expected"),
    [
        pytest.param("w", "w", Reading.ALLOWED, id="with the token"),
        pytest.param(None, "w", Reading.UNPROVEN, id="not without it, not even on this machine"),
        pytest.param("r", "w", Reading.UNPROVEN, id="not with another one"),
        pytest.param("", "", Reading.OFF, id="nobody where none is set"),
        pytest.param("w", None, Reading.OFF, id="not even with something"),
    ],
)
def test_who_may_change_anything(presented: str | None, token: str | None, expected: Reading) -> None:
    assert judge_change(presented=presented, token=token) is expected


def test_a_silence_is_made_listed_and_ended() -> None:
    daemon = Daemon(web_token="w")
    app = daemon.app()
    (made,) = asked(app, post(WISH))
    assert made.status_code == 201
    body: dict[str, Any] = made.json()
    assert body == {
        "id": daemon.silences[0].id,
        "matchers": {"rule": ["*"]},
        "starts_at": "2026-11-24T15:42:08.000Z",
        "ends_at": "2026-11-24T18:00:00.000Z",
        "ended_at": None,
        "active": True,
        "author": "ana",
        "comment": "known",
    }
    listed, ended, after, all_of_them = asked(
        app,
        request(PATH),
        request(f"{PATH}/{body['id']}", method="DELETE", token="w"),
        request(PATH),
        request(f"{PATH}?all=true"),
    )
    assert listed.json()["silences"] == [body]
    assert (ended.status_code, ended.json()["active"]) == (200, False)
    assert after.json()["silences"] == []
    assert [one["ended_at"] for one in all_of_them.json()["silences"]] == ["2026-11-24T15:42:08.000Z"]


@pytest.mark.parametrize(
    ("web_token", "presented", "status"),
    [("w", None, 401), ("w", "r", 401), (None, "r", 404), (None, None, 404)],
)
def test_without_the_token_for_changes_nothing_changes(
    web_token: str | None, presented: str | None, status: int
) -> None:
    daemon = Daemon(web_token=web_token, read_token="r", silences=[SILENCE])
    made, ended = asked(
        daemon.app(), post(WISH, presented), request(f"{PATH}/{SILENCE.id}", method="DELETE", token=presented)
    )
    assert (made.status_code, ended.status_code) == (status, status)
    assert daemon.silences == [SILENCE]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ends_at": "2026-11-24T15:00:00Z"}, "end: it lies in the past; name a time from now on"),
        ({"matchers": {"fature": ["x"]}}, "fature: there is no such dimension; did you mean feature?"),
        ({"matchers": {"rule": ["each-featur"]}}, 'rule: "each-featur" is none; did you mean each-feature?'),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_would_be_right(changes: dict[str, object], said: str) -> None:
    daemon = Daemon(web_token="w")
    (answer,) = asked(daemon.app(), post({**WISH, **changes}))
    assert (answer.status_code, answer.json()["detail"]) == (409, said)
    where, _, what = said.partition(": ")
    assert answer.json()["errors"] == [{"where": where, "what": what}]
    assert daemon.silences == []


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"ends_at": "2026-11-24T18:00:00"}, "body.ends_at"),
        ({"ends_at": 1_800_000_000}, "body.ends_at"),
        ({"comment": " "}, "body.comment"),
        ({"matchers": {}}, "body.matchers"),
        ({"matchers": "rule=*"}, "body.matchers"),
        ({"coment": "x"}, "body.coment"),
    ],
)
def test_a_wish_of_another_shape_is_refused_and_says_where(changes: dict[str, object], where: str) -> None:
    (answer,) = asked(Daemon(web_token="w").app(), post({**WISH, **changes}))
    assert answer.status_code == 422
    assert [one["where"] for one in answer.json()["errors"]] == [where]


def test_ending_what_is_not_there_says_so() -> None:
    (answer,) = asked(Daemon(web_token="w").app(), request(f"{PATH}/NONE", method="DELETE", token="w"))
    assert (answer.status_code, answer.json()["detail"]) == (404, "No silence has the id NONE.")


def waiting(silence: Silence | None = None) -> Held:
    notice = Notice(CROSSED, Reason.OPENED, CROSSED.severity, CROSSED.level, NOW, NOW)
    hold = Hold(Why.QUIET_HOURS, NOW - MINUTE, NOW + 10 * MINUTE)
    if silence is not None:
        hold = Hold(Why.SILENCE, silence.starts_ms, silence.ends_ms, silence.id)
    return Held("content", notice, hold, NOW)


def test_the_page_lists_what_is_silenced_and_says_what_holds_a_notice() -> None:
    picture = replace(BUSY, silences=(SILENCE,), held=(waiting(), waiting(SILENCE)))
    page = get(Daemon(picture), "/").text
    assert "What is silenced?" in page
    assert SILENCE.id in page
    assert "&lt;script&gt;known" in page
    assert "<script>" not in page
    assert ": quiet hours of " in page
    assert f": silence {SILENCE.id} of " in page


def test_the_api_says_of_an_incident_what_holds_it() -> None:
    body = get(Daemon(replace(BUSY, held=(waiting(),))), "/api/v1/incidents").json()
    holds = {one["id"]: one["held"] for one in body["incidents"]}
    assert holds[CROSSED.id] == [
        {"destination": "content", "why": "quiet_hours", "silence": "", "until": "2026-11-24T15:52:08.000Z"}
    ]
    assert sum(map(len, holds.values())) == 1


def test_the_metrics_count_the_active_silences() -> None:
    metrics = get(Daemon(replace(BUSY, silences=(SILENCE,))), "/metrics").text
    assert "\nfusewatch_silences_active 1\n" in metrics
    assert "\nfusewatch_silences_active 0\n" in get(Daemon(BUSY), "/metrics").text
