"""Asks a server what it is: its version, whose key this is, and which observations endpoint answers."""

from typing import NamedTuple

import msgspec

from fusewatch.errors import Permanent, Retryable
from fusewatch.langfuse.answers import NotAvailable, Overloaded
from fusewatch.langfuse.instants import iso
from fusewatch.langfuse.transport import Transport, is_unconnected
from fusewatch.langfuse.wire import Health, Projects, decode

V1 = "v1"
V2 = "v2"

_HEALTH = msgspec.json.Decoder(Health)
_PROJECTS = msgspec.json.Decoder(Projects)
_MINUTE_MS = 60_000


class ProjectFacts(NamedTuple):
    """Whose key pair this is; a project key sees exactly one project."""

    id: str
    name: str
    organisation_id: str


async def ask_version(transport: Transport) -> str | None:
    """The server's version, "" when it does not tell, None when its health endpoint is not Langfuse's.

    Raises only when nothing is heard from the host, or when it redirects: then nothing else is worth asking.
    """
    path = "health"
    try:
        answer = await transport.get("health", path, authenticated=False)
        return decode(_HEALTH, answer.body, where=transport.where(path)).version
    except NotAvailable:
        return None
    except Retryable as error:
        if is_unconnected(error) or error.reason == "redirect":
            raise
        return None if error.reason in {"not_json", "unexpected"} else ""
    except Permanent as error:
        if error.reason in {"redirect", "bad_address"}:
            raise
        return ""


async def ask_project(transport: Transport, *, is_langfuse: bool) -> ProjectFacts:
    """The key pair's project. Where the host is no Langfuse either by its health, `not_langfuse`."""
    path = "projects"
    try:
        answer = await transport.get("projects", path)
        projects = decode(_PROJECTS, answer.body, where=transport.where(path)).data
    except NotAvailable as error:
        raise not_langfuse(transport) from error
    except Retryable as error:
        if not is_langfuse and error.reason in {"not_json", "unexpected"}:
            raise not_langfuse(transport) from error
        raise
    if not projects:
        raise Permanent(
            "organisation_key",
            f"{transport.where(path)} names no project for this key pair; create an API key in a project",
        )
    project = projects[0]
    return ProjectFacts(project.id, project.name, project.organization.id)


async def choose_api(transport: Transport, *, now_ms: int) -> str:
    """`v2` or `v1`; Permanent ``not_langfuse`` when neither is there.

    v2/metrics is asked, not v2/observations: that one answers 200 and stays empty on a server that writes no events
    (API §0). It is one of 100 requests a day on the Hobby plan, so this runs once per start.
    """
    if await _answers_v2(transport, now_ms):
        return V2
    path = "observations"
    params = {"limit": "1", "fromStartTime": iso(now_ms - _MINUTE_MS), "toStartTime": iso(now_ms)}
    try:
        await transport.get("v1_observations", path, params)
    except NotAvailable as error:
        raise not_langfuse(transport) from error
    except Overloaded:
        pass  # too slow just now, but there
    return V1


async def _answers_v2(transport: Transport, now_ms: int) -> bool:
    try:
        await transport.get("v2_metrics", "v2/metrics", {"query": _count_of_a_minute(now_ms)})
    except NotAvailable:
        return False
    except Overloaded:
        return True  # the check whether v2 is on comes before the query is run
    except Retryable as error:
        # Only Cloud limits rates, and Cloud has v2; waiting here could mean a day (FINDINGS, rate limits).
        if error.reason != "rate_limited":
            raise
        return True
    return True


def not_langfuse(transport: Transport) -> Permanent:
    return Permanent(
        "not_langfuse",
        f"{transport.base_url} is no Langfuse that can be read: neither /api/public/v2/observations nor "
        "/api/public/observations is there; check LANGFUSE_BASE_URL (a base path belongs to it)",
    )


def _count_of_a_minute(now_ms: int) -> str:
    query = {
        "view": "observations",
        "metrics": [{"measure": "count", "aggregation": "count"}],
        "fromTimestamp": iso(now_ms - _MINUTE_MS),
        "toTimestamp": iso(now_ms),
    }
    return msgspec.json.encode(query).decode()
