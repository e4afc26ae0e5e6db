"""Who may ask what, and how often: keys, deployment modes, the Cloud's rate limits."""

from __future__ import annotations

import base64
import binascii
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fusewatch.demo.standin import wire
from fusewatch.demo.standin.answers import (
    EVENTS_ONLY_MESSAGE,
    Refusal,
    message,
    not_found,
    too_many_requests,
    unknown_path,
)
from fusewatch.demo.standin.model import Mode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fusewatch.demo.standin.model import Key, Project
    from fusewatch.demo.standin.wire import JsonValue

_MINUTE_MS: Final = 60_000
_DAY_MS: Final = 86_400_000
HOBBY_PLAN: Final[Mapping[str, tuple[int, int]]] = {  # resource -> requests, per milliseconds
    "public-api": (30, _MINUTE_MS),
    "public-api-legacy": (15, _MINUTE_MS),
    "public-api-v2-metrics": (100, _DAY_MS),
    "public-api-metrics": (100, _DAY_MS),
}
_NO_V2: Final = (
    "The {} v2 API is only available in a Langfuse v4 write mode. Learn more at: https://langfuse.com/docs/v4"
)
_DEPRECATED: Final = (
    "On Langfuse Cloud, Langfuse v3 is deprecated and this endpoint will be removed on November 16, 2026. "
    "Use {} instead."
)
_OBSERVATIONS_V2: Final = "GET /api/public/v2/observations?fromStartTime=<from>&toStartTime=<to>"
_METRICS_V2: Final = "GET /api/public/v2/metrics?query=<urlencoded json query>"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One readable path: its family, the rate limit it counts against, what to use in its place on the Cloud."""

    family: str  # "v1", "v2 observations", "v2 metrics" or "always"
    resource: str | None = None
    replacement: str | None = None
    docs: str = "https://langfuse.com/docs/api-and-data-platform/features/observations-api"

    def stamp(self, mode: Mode) -> dict[str, JsonValue] | None:
        """The `_deprecation` part of a v1 body on the Cloud."""
        if mode is not Mode.CLOUD or self.replacement is None:
            return None
        return {
            "message": _DEPRECATED.format(self.replacement),
            "replacement": self.replacement,
            "docsUrl": self.docs,
            "sunsetAt": "2026-11-16",
        }


V1_ROWS: Final = Endpoint("v1", "public-api-legacy", _OBSERVATIONS_V2)
V1_METRICS: Final = Endpoint(
    "v1", "public-api-metrics", _METRICS_V2, "https://langfuse.com/docs/metrics/features/metrics-api"
)
V2_OBSERVATIONS: Final = Endpoint("v2 observations", "public-api")
V2_METRICS: Final = Endpoint("v2 metrics", "public-api-v2-metrics")
MODELS: Final = Endpoint("always", "public-api")
PROJECTS: Final = Endpoint("always")


def check_before_key(endpoint: Endpoint, mode: Mode) -> None:
    """The two refusals that come even to a wrong key: events_only hides v1, an old v3 has no v2 route at all."""
    if mode is Mode.EVENTS_ONLY and endpoint.family == "v1":
        raise Refusal(message(404, EVENTS_ONLY_MESSAGE))
    if mode is Mode.V3_OLD and endpoint.family.startswith("v2"):
        raise Refusal(unknown_path())


def check_available(endpoint: Endpoint, mode: Mode) -> None:
    """The refusal that comes after the parameters were found right."""
    if endpoint.family == "v2 observations" and mode is Mode.LEGACY:
        raise Refusal(not_found(_NO_V2.format("observations")))
    if endpoint.family == "v2 metrics" and mode in {Mode.LEGACY, Mode.LEGACY_OPTIN}:
        raise Refusal(not_found(_NO_V2.format("metrics")))


class Keyring:
    """The keys of all projects. A key is found by its secret: a wrong public key beside it is let through."""

    def __init__(self, projects: Sequence[Project], keys: Sequence[Key]) -> None:
        self._projects = {project.id: project for project in projects}
        self._keys = {key.secret: key for key in keys}
        self._publics = {key.public for key in keys}

    def project_of(self, authorization: str | None, *, for_projects: bool) -> Project:
        """The project that the header opens; raises the recorded 401s and 403s."""
        if authorization is None:
            raise Refusal(message(401, "No authorization header"))
        scheme, _, rest = authorization.partition(" ")
        organisation = message(
            403,
            "Invalid API key. Are you using an organization key?"
            if for_projects
            else "Project ID not found for API token. Are you using an organization key?",
        )
        if scheme.lower() == "bearer" and rest in self._publics:
            denied = message(403, "Access denied - insufficient permissions for this endpoint")
            raise Refusal(organisation if for_projects else denied)
        key = self._keys.get(_secret_in(rest)) if scheme.lower() == "basic" else None
        if key is None:
            raise _unauthorized("Invalid credentials")
        if key.project_id is None:
            raise Refusal(organisation)
        return self._projects[key.project_id]


def _secret_in(encoded: str) -> str:
    try:
        pair = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise _unauthorized("Invalid character") from None
    return pair.partition(":")[2]


def _unauthorized(what: str) -> Refusal:
    return Refusal(message(401, f"{what}. Confirm that you've configured the correct host."))


class RateLimits:
    """Fixed windows from the first request, counted per organisation; request N of a limit of N gets the 429."""

    def __init__(self, plan: Mapping[str, tuple[int, int]] = HOBBY_PLAN) -> None:
        self._plan = plan
        self._windows: dict[tuple[str, str], tuple[int, int]] = {}  # (start_ms, requests)

    def count(self, organization_id: str, endpoint: Endpoint, path: str, now_ms: int) -> None:
        """Counts a request; raises the 429 when nothing is left of its window."""
        if endpoint.resource is None or endpoint.resource not in self._plan:
            return
        limit, length_ms = self._plan[endpoint.resource]
        identity = (organization_id, endpoint.resource)
        start_ms, used = self._windows.get(identity, (now_ms, 0))
        if now_ms >= start_ms + length_ms:
            start_ms, used = now_ms, 0
        self._windows[identity] = (start_ms, used + 1)
        if used + 1 < limit:
            return
        reset_ms = start_ms + length_ms
        hint = None
        if endpoint.resource == "public-api-legacy":
            hint = f" for GET {path}. Use {_OBSERVATIONS_V2} for high-volume reads."
        wait_s = math.ceil((reset_ms - now_ms) / 1000)
        raise Refusal(too_many_requests(hint, limit, wait_s, reset_ms, wire.iso(reset_ms)))
