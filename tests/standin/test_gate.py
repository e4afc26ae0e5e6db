"""Keys, deployment modes and the Cloud's rate limits answer as recorded."""

from __future__ import annotations

import pytest

from fusewatch.demo.standin import Key, Mode, Project, Span, Standin, Store
from tests.standin.asking import NOW_MS, Clock, Params, ask, data, metrics_query, recording, replay, standin

ENDPOINTS = {"observations": "observations", "v2_observations": "v2/observations", "projects": "projects"}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    ("name", "headers"),
    [
        ("bad_secret", {"Authorization": "Basic cGstbGYtZGVtbzp3cm9uZw=="}),
        ("no_auth", {}),
        ("bearer_public", {"Authorization": "Bearer pk-lf-demo"}),
        ("garbage_auth", {"Authorization": "Basic %%%"}),
    ],
)
def test_a_wrong_key_is_refused_as_recorded(name: str, headers: dict[str, str], endpoint: str) -> None:
    held = recording(f"auth_{name}_{endpoint}")
    answer = ask(standin(), ENDPOINTS[endpoint], auth=None, headers=headers)
    assert (answer.status_code, answer.json()) == (held["status"], held["body"])


@pytest.mark.parametrize("path", ENDPOINTS.values())
def test_a_wrong_public_key_with_the_right_secret_is_let_in(path: str) -> None:
    assert ask(standin(), path, auth=("pk-lf-somebody", "sk-lf-demo")).status_code == 200


def test_an_organisation_key_reads_no_project_and_is_told_so() -> None:
    app = Standin(Store(), now_ms=Clock(), keys=[Key("pk-org", "sk-org", None)])
    answer = ask(app, "v2/observations", auth=("pk-org", "sk-org"))
    assert answer.status_code == 403
    assert answer.json() == {"message": "Project ID not found for API token. Are you using an organization key?"}
    assert ask(app, "projects", auth=("pk-org", "sk-org")).status_code == 403


def test_a_key_shows_its_own_project_in_the_recorded_shape() -> None:
    project = Project("proj-test", "Test Project", "org-test", "Test Org")
    app = Standin(Store(), now_ms=Clock(), projects=[project], keys=[Key("pk", "sk", "proj-test")])
    held = recording("projects")
    assert ask(app, "projects", auth=("pk", "sk")).json() == held["body"]


@pytest.mark.parametrize("name", ["unknown_path", "unknown_path_v9", "v2_traces", "v2_observation_by_id_path"])
def test_unknown_paths_are_a_404_page_in_html(name: str) -> None:
    answer, held = replay(standin(), name)
    assert answer.status_code == held["status"] == 404
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.text.startswith("<!DOCTYPE html>")


def test_health_needs_no_key_and_tells_the_version() -> None:
    held = recording("health")
    assert ask(standin(), "health", auth=None).json() == held["body"]
    assert ask(standin(mode=Mode.LEGACY), "health", auth=None).json()["version"].startswith("3.")


# what each deployment answers on v1 rows, v2 observations and v2 metrics
MATRIX = {
    Mode.EVENTS_ONLY: (404, 200, 200),
    Mode.DUAL: (200, 200, 200),
    Mode.LEGACY: (200, 404, 404),
    Mode.LEGACY_OPTIN: (200, 200, 404),
    Mode.V3_OLD: (200, 404, 404),
    Mode.CLOUD: (200, 200, 200),
}


@pytest.mark.parametrize("mode", list(Mode))
def test_each_deployment_opens_the_endpoints_of_the_matrix(mode: Mode) -> None:
    app = standin([Span(id="a", trace_id="t", start_ms=NOW_MS - 60_000)], mode)
    asked: list[tuple[str, Params | None]] = [
        ("observations", None),
        ("v2/observations", None),
        ("v2/metrics", metrics_query()),
    ]
    assert tuple(ask(app, path, params).status_code for path, params in asked) == MATRIX[mode]


def test_a_legacy_server_says_why_v2_is_missing_but_only_after_key_and_parameters_were_right() -> None:
    app = standin(mode=Mode.LEGACY)
    assert ask(app, "v2/observations", auth=("pk", "wrong")).status_code == 401
    assert ask(app, "v2/observations", {"limit": "1001"}).status_code == 400
    body = ask(app, "v2/observations").json()
    assert body["error"] == "LangfuseNotFoundError"
    assert body["message"].startswith("The observations v2 API is only available in a Langfuse v4 write mode")


def test_an_opted_in_legacy_server_answers_v2_observations_with_an_empty_200() -> None:
    app = standin([Span(id="a", trace_id="t", start_ms=NOW_MS)], Mode.LEGACY_OPTIN)
    assert ask(app, "v2/observations").json() == {"data": [], "meta": {}}
    assert len(data(ask(app, "observations"))) == 1


def test_an_old_v3_answers_v2_paths_with_a_page_even_to_a_wrong_key() -> None:
    answer = ask(standin(mode=Mode.V3_OLD), "v2/observations", auth=("pk", "wrong"))
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")


@pytest.mark.parametrize("name", ["observations", "metrics"])
def test_the_cloud_stamps_v1_as_deprecated_in_the_recorded_words(name: str) -> None:
    held = recording(f"cloudlike_v1_{name}")
    answer = ask(standin(mode=Mode.CLOUD), name, metrics_query() if name == "metrics" else None)
    assert answer.json()["_deprecation"] == held["body"]["_deprecation"]
    assert "_deprecation" not in ask(standin(mode=Mode.CLOUD), "v2/observations").json()


@pytest.mark.parametrize(
    ("name", "path", "limit"),
    [
        ("v2_observations", "v2/observations", 30),
        ("v1_observations", "observations", 15),
        ("v2_metrics", "v2/metrics", 100),
    ],
)
def test_the_hobby_plan_refuses_request_n_of_a_limit_of_n_as_recorded(name: str, path: str, limit: int) -> None:
    held = recording(f"cloudlike_ratelimited_{name}")
    clock = Clock()
    app = standin(mode=Mode.CLOUD, clock=clock)
    params = metrics_query() if path == "v2/metrics" else None
    answers = [ask(app, path, params) for _ in range(limit)]
    assert [answer.status_code for answer in answers] == [200] * (limit - 1) + [429]
    refused, recorded = answers[-1], {name.lower(): value for name, value in held["headers"]}
    details = held["body"]["details"]
    assert refused.json()["message"] == held["body"]["message"]
    assert list(refused.json()["details"]) == list(details)
    assert refused.json()["details"]["limit"] == int(refused.headers["x-ratelimit-limit"]) == details["limit"]
    length_s = 86_400 if path == "v2/metrics" else 60
    assert refused.headers["retry-after"] == str(length_s)
    assert set(recorded) - {"connection"} <= set(refused.headers)
    assert len(refused.headers["x-ratelimit-reset"]) == len(recorded["x-ratelimit-reset"])
    clock.ms += length_s * 1000
    assert ask(app, path, params).status_code == 200


def test_the_reset_time_is_a_javascript_date_string() -> None:
    app = standin(mode=Mode.CLOUD)
    refused = [ask(app, "observations") for _ in range(15)][-1]
    assert refused.headers["x-ratelimit-reset"] == "Sun Nov 22 2026 15:01:00 GMT+0000 (Coordinated Universal Time)"
    assert refused.json()["details"]["resetAt"] == "2026-11-22T15:01:00.000Z"


def test_projects_of_one_organisation_share_its_limit_and_other_organisations_do_not() -> None:
    projects = [Project("p1"), Project("p2"), Project("p3", organization_id="other")]
    keys = [Key(f"pk{number}", f"sk{number}", f"p{number}") for number in (1, 2, 3)]
    app = Standin(Store(), now_ms=Clock(), mode=Mode.CLOUD, projects=projects, keys=keys)
    for _ in range(29):
        assert ask(app, "v2/observations", auth=("pk1", "sk1")).status_code == 200
    assert ask(app, "v2/observations", auth=("pk2", "sk2")).status_code == 429
    assert ask(app, "v2/observations", auth=("pk3", "sk3")).status_code == 200
    assert ask(app, "projects", auth=("pk1", "sk1")).status_code == 200
