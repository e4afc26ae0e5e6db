"""Finding out whose key it is and which API answers, with few requests and no guess."""

from collections.abc import Callable

import httpx
import pytest

from fusewatch.errors import Permanent, Retryable
from fusewatch.ports import ProjectIdentity
from tests.langfuse.asking import Reading, reading, recording, run
from tests.langfuse.servers import V1Server, V2Server, answer, common, not_found_page


def identify(told: Reading) -> ProjectIdentity:
    return run(told.source.identify())


def by_path(**answers: httpx.Response | Callable[[], httpx.Response]) -> Callable[[httpx.Request], httpx.Response]:
    """Answers by the last part of the path, `/` written as `_`; health and projects as usual."""

    def server(request: httpx.Request) -> httpx.Response:
        path = request.url.path.partition("/api/public/")[2]
        found = answers.get(path.replace("/", "_"))
        if found is None:
            return common(path)
        return found if isinstance(found, httpx.Response) else found()

    return server


def test_a_v4_server_is_read_with_v2_after_three_requests() -> None:
    told = reading(V2Server(), api="")
    assert identify(told) == ProjectIdentity(
        host="https://langfuse.example",
        project_id="proj-test",
        project_name="Test Project",
        organisation_id="org-test",
        api="v2",
        server_version="4.16.0",
    )
    assert told.endpoints() == ["health", "projects", "v2_metrics"]


def test_a_v3_server_is_read_with_v1() -> None:
    told = reading(V1Server(), api="")
    assert identify(told).api == "v1"
    assert told.endpoints() == ["health", "projects", "v2_metrics", "v1_observations"]


def test_a_remembered_api_costs_no_metrics_request() -> None:
    told = reading(V2Server(), api="v2")
    assert identify(told).api == "v2"
    assert told.endpoints() == ["health", "projects"]


def test_the_probe_happens_once() -> None:
    told = reading(V2Server(), api="")
    identify(told)
    identify(told)
    assert told.endpoints().count("v2_metrics") == 1


@pytest.mark.parametrize(
    "metrics",
    [
        answer({"message": "The observations v2 API is only available in a v4 write mode"}, 404),
        answer({"message": "v2 APIs are currently in beta", "error": "LangfuseNotFoundError"}, 404),
        answer({"message": "Not implemented"}, 501),
        not_found_page(),
    ],
    ids=["legacy write mode", "v3 beta", "v3.140", "older than v2"],
)
def test_an_empty_200_of_v2_observations_is_not_trusted_where_v2_metrics_is_not_there(metrics: httpx.Response) -> None:
    empty = answer({"data": [], "meta": {}})
    server = by_path(v2_metrics=metrics, v2_observations=empty, observations=answer({"data": [], "meta": {}}))
    assert identify(reading(server, api="")).api == "v1"


def test_used_up_metrics_requests_do_not_keep_it_from_starting() -> None:
    """On Cloud a metrics 429 can mean a day; only Cloud limits rates, and Cloud has v2."""
    server = by_path(v2_metrics=lambda: recording("cloudlike_ratelimited_v2_metrics"))
    assert identify(reading(server, api="")).api == "v2"


def test_a_metrics_query_that_times_out_still_shows_that_v2_is_there() -> None:
    server = by_path(v2_metrics=answer({"message": "narrow the range", "error": "Request timed out"}, 422))
    assert identify(reading(server, api="")).api == "v2"


def test_a_database_that_is_down_is_no_answer_to_which_api_there_is() -> None:
    server = by_path(v2_metrics=lambda: recording("fail_clickhouse_down_v2_metrics"))
    with pytest.raises(Retryable, match="answers 500: Internal Server Error") as caught:
        identify(reading(server, api=""))
    assert caught.value.reason == "server_error"


def test_a_host_with_another_web_site_is_no_langfuse() -> None:
    with pytest.raises(Permanent, match=r"https://langfuse\.example is no Langfuse") as caught:
        identify(reading(lambda _: not_found_page(), api=""))
    assert caught.value.reason == "not_langfuse"


def test_a_host_that_answers_every_path_with_a_page_is_no_langfuse() -> None:
    with pytest.raises(Permanent) as caught:
        identify(reading(lambda _: httpx.Response(200, html="<html>Welcome</html>"), api=""))
    assert caught.value.reason == "not_langfuse"


def test_a_langfuse_behind_a_sign_in_page_is_told_apart() -> None:
    server = by_path(projects=httpx.Response(200, html="<html>Sign in</html>"))
    with pytest.raises(Retryable, match="a login page may stand in between") as caught:
        identify(reading(server, api=""))
    assert caught.value.reason == "not_json"


def test_a_server_with_neither_api_is_no_langfuse_that_can_be_read() -> None:
    gone = not_found_page()
    with pytest.raises(Permanent, match="neither /api/public/v2/observations nor /api/public/observations") as caught:
        identify(reading(by_path(v2_metrics=gone, observations=gone), api=""))
    assert caught.value.reason == "not_langfuse"


def test_a_server_that_hides_its_health_is_still_read() -> None:
    identity = identify(reading(by_path(health=httpx.Response(403), v2_metrics=answer({"data": []})), api=""))
    assert (identity.server_version, identity.api) == ("", "v2")


def test_a_key_of_another_project_than_before_is_refused() -> None:
    with pytest.raises(Permanent, match="now answers for project 'proj-test'") as caught:
        identify(reading(V2Server(), project_id="proj-before"))
    assert caught.value.reason == "wrong_project"


def test_a_key_without_a_project_is_an_organisation_key() -> None:
    with pytest.raises(Permanent, match="names no project") as caught:
        identify(reading(by_path(projects=answer({"data": []}))))
    assert caught.value.reason == "organisation_key"


def test_health_is_asked_without_the_key() -> None:
    server = V2Server()
    identify(reading(server))
    assert [("authorization" in request.headers) for request in server.asked] == [False, True]


@pytest.mark.parametrize(
    ("given", "host"),
    [
        ("https://Cloud.Langfuse.com/", "https://cloud.langfuse.com"),
        ("https://cloud.langfuse.com:443", "https://cloud.langfuse.com"),
        ("http://langfuse:3000", "http://langfuse:3000"),
        ("https://intern.example/Langfuse/", "https://intern.example/langfuse"),
        ("https://cloud.langfuse.com/api/public", "https://cloud.langfuse.com"),
        ("https://pk:sk@cloud.langfuse.com", "https://cloud.langfuse.com"),
        ("http://[::1]:3000", "http://[::1]:3000"),
    ],
)
def test_the_host_of_an_identity_has_one_spelling(given: str, host: str) -> None:
    assert identify(reading(V2Server(), base_url=given)).host == host


def test_a_base_path_keeps_its_case_in_requests() -> None:
    server = V2Server()
    identify(reading(server, base_url="https://intern.example/Langfuse/"))
    assert server.asked[0].url.path == "/Langfuse/api/public/health"


@pytest.mark.parametrize("given", ["cloud.langfuse.com", "ftp://cloud.langfuse.com", "https://", "https://host:port"])
def test_an_address_that_is_none_is_refused_at_once(given: str) -> None:
    with pytest.raises(Permanent) as caught:
        reading(V2Server(), base_url=given)
    assert caught.value.reason == "bad_address"
