"""One Langfuse project as `ports.Source`: the reader that fits the server, chosen again when the server changed."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import httpx

from fusewatch.domain.ratebudget import Priority
from fusewatch.errors import Permanent, Retryable
from fusewatch.langfuse import v1, v2
from fusewatch.langfuse.answers import NotAvailable
from fusewatch.langfuse.metrics import ask_group_sums, ask_sums, check_buckets
from fusewatch.langfuse.models import add_model, ask_models
from fusewatch.langfuse.paging import PageSize
from fusewatch.langfuse.probe import V1, V2, ask_project, ask_version, choose_api
from fusewatch.langfuse.progress import check_project
from fusewatch.langfuse.traces import TraceMemory
from fusewatch.langfuse.transport import OnRequest, Transport
from fusewatch.langfuse.v1 import V1Walk
from fusewatch.langfuse.v2 import V2Walk
from fusewatch.ports import BucketSum, Clock, Gate, GroupSums, ModelList, NewModel, Page, ProjectIdentity, Span

T = TypeVar("T")


class LangfuseSource:
    """See `ports.Source`.

    `remembered_api` and `remembered_project_id` are what an earlier run learned (`ProjectIdentity.api`,
    `.project_id`), "" when nothing is: then the probe is skipped, and a key pair that answers for another project is
    refused. `gate` is awaited before each request, and told of each 429. Construction raises `Permanent`
    (``bad_address``) for an address that is none; it sends nothing.
    """

    def __init__(
        self,
        base_url: str,
        public_key: str,
        secret_key: str,
        *,
        clock: Clock,
        remembered_api: str = "",
        remembered_project_id: str = "",
        transport: httpx.AsyncBaseTransport | None = None,
        on_request: OnRequest | None = None,
        gate: Gate | None = None,
    ) -> None:
        self._transport = Transport(
            base_url, public_key, secret_key, clock=clock, transport=transport, on_request=on_request, gate=gate
        )
        self._gate = gate
        self._clock = clock
        self._api = remembered_api if remembered_api in {V1, V2} else ""
        self._project_id = remembered_project_id
        self._v1_size = PageSize(v1.LARGEST_PAGE)
        self._v2_size = PageSize(v2.LARGEST_PAGE)
        self._memory = TraceMemory(self._transport)

    def __repr__(self) -> str:
        return f"LangfuseSource({self._transport.base_url!r})"

    async def identify(self) -> ProjectIdentity:
        """Three requests, two where the API is remembered."""
        version = await ask_version(self._transport)
        project = await ask_project(self._transport, is_langfuse=version is not None)
        check_project(self._project_id, {project.id}, where=self._transport.where("projects"))
        self._project_id = project.id
        if self._gate is not None:
            self._gate.belongs_to(project.organisation_id)
        api = await self.api()
        return ProjectIdentity(
            host=self._transport.host,
            project_id=project.id,
            project_name=project.name,
            organisation_id=project.organisation_id,
            api=api,
            server_version=version or "",
        )

    def walk(self, span: Span, *, priority: Priority = Priority.LIVE) -> "SourceWalk":
        return SourceWalk(self, span, priority)

    async def sums(self, span: Span, *, by_minute: bool = False) -> Sequence[BucketSum]:
        check_buckets(span, by_minute=by_minute)
        return await self._of_either(lambda api: ask_sums(self._transport, api, span, by_minute=by_minute))

    async def group_sums(self, from_ms: int, to_ms: int, dimensions: Sequence[str]) -> GroupSums:
        return await self._of_either(lambda api: ask_group_sums(self._transport, api, from_ms, to_ms, dimensions))

    async def sums_pace_s(self) -> float:
        return 0.0 if self._gate is None else await self._gate.pace_s(f"{await self.api()}_metrics")

    async def _of_either(self, ask: Callable[[str], Awaitable[T]]) -> T:
        """What the API answers that is there; asked which, again, where the known one is gone."""
        api = await self.api()
        try:
            return await ask(api)
        except NotAvailable as error:
            other = await self.choose_again(gone=api)
            if other == api:
                raise _without_metrics(api, error) from error
        try:
            return await ask(other)
        except NotAvailable as error:
            raise _without_metrics(other, error) from error

    async def models(self) -> ModelList:
        return await ask_models(self._transport)

    async def add_model(self, model: NewModel) -> str:
        return await add_model(self._transport, model)

    async def close(self) -> None:
        await self._transport.close()

    async def api(self) -> str:
        """Which API answers; asked once."""
        if not self._api:
            self._api = await choose_api(self._transport, now_ms=self._clock.now_ms())
        return self._api

    async def choose_again(self, *, gone: str) -> str:
        """After a 404 of the API `gone`: the server was upgraded, or its write mode changed."""
        if self._api == gone:
            self._api = ""
        return await self.api()

    def reader(self, api: str, span: Span, priority: Priority) -> V1Walk | V2Walk:
        if api == V2:
            return V2Walk(self._transport, span, self._v2_size, self._project_id, priority)
        return V1Walk(self._transport, span, self._v1_size, self._project_id, self._memory, priority)


class SourceWalk:
    """See `ports.Walk`: a walk of the API that answers; it goes on with the other one where that took over."""

    def __init__(self, source: LangfuseSource, span: Span, priority: Priority) -> None:
        self._source = source
        self._span = span
        self._priority = priority
        self._api = ""
        self._reader: V1Walk | V2Walk | None = None

    async def next_page(self) -> Page | None:
        reader = self._reader or self._read_with(await self._source.api())
        try:
            return await reader.next_page()
        except NotAvailable as error:
            gone, self._span, self._reader = self._api, reader.rest, None
            reader = self._read_with(await self._source.choose_again(gone=gone))
            if self._api == gone:
                raise Retryable("unsteady", f"{error}, while other requests to it are answered") from error
        try:
            return await reader.next_page()
        except NotAvailable as error:
            raise Retryable("unsteady", f"{error}, while other requests to it are answered") from error

    def _read_with(self, api: str) -> V1Walk | V2Walk:
        self._api = api
        self._reader = self._source.reader(api, self._span, self._priority)
        return self._reader


def open_source(
    base_url: str,
    public_key: str,
    secret_key: str,
    *,
    clock: Clock,
    remembered_api: str = "",
    remembered_project_id: str = "",
    transport: httpx.AsyncBaseTransport | None = None,
    on_request: OnRequest | None = None,
    gate: Gate | None = None,
) -> LangfuseSource:
    """A source for one key pair; see `LangfuseSource`."""
    if not public_key or not secret_key:
        raise Permanent("bad_key", "a Langfuse project needs both its public and its secret key")
    return LangfuseSource(
        base_url,
        public_key,
        secret_key,
        clock=clock,
        remembered_api=remembered_api,
        remembered_project_id=remembered_project_id,
        transport=transport,
        on_request=on_request,
        gate=gate,
    )


def _without_metrics(api: str, error: NotAvailable) -> Retryable | Permanent:
    """What a missing metrics endpoint means. v2 was found by its metrics a moment ago; a v3 from before its v1 metrics
    has rows but no sums."""
    if api == V2:
        return Retryable("unsteady", f"{error}, while other requests to it are answered")
    return Permanent("no_metrics", f"{error}; this Langfuse has no sums to compare the ledger with, update it")
