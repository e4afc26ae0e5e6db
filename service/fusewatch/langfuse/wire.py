"""The shapes of Langfuse's answers, just the fields that are needed, and how a page with a bad row is still read."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from fusewatch.domain.usage import Observation
from fusewatch.errors import Retryable
from fusewatch.langfuse.instants import epoch_ms
from fusewatch.ports import Rejected

T = TypeVar("T")


class Identified(Protocol):
    """Every row has an id."""

    @property
    def id(self) -> str: ...


R = TypeVar("R", bound=Identified)

LARGEST_COST_USD = 9_000_000.0
"""Langfuse caps a cost at $999,999.999999 per usage key; more than this fits no ledger row and is no call's price."""


_NULL = msgspec.Raw(b"null")


class V2Row(msgspec.Struct, rename="camel", gc=False):
    """A row of `/api/public/v2/observations`; a field group that was not asked for is absent."""

    id: str
    trace_id: str
    start_time: str
    end_time: str | None = None
    updated_at: str | None = None
    project_id: str = ""
    type: str = ""
    name: str | None = None
    environment: str | None = None
    model: str | None = None
    user_id: str | None = None
    session_id: str | None = None
    release: str | None = None
    version: str | None = None
    trace_name: str | None = None
    prompt_name: str | None = None
    prompt_version: int | str | None = None
    tags: tuple[str, ...] | None = None
    metadata: msgspec.Raw = _NULL
    usage_details: dict[str, int] | None = None
    cost_details: dict[str, float] | None = None
    total_cost: float | None = None


class V1Row(msgspec.Struct, rename="camel", gc=False):
    """A row of `/api/public/observations`: no user, session, tags, release or trace name; its trace has those."""

    id: str
    start_time: str
    trace_id: str | None = None
    end_time: str | None = None
    updated_at: str | None = None
    project_id: str = ""
    type: str = ""
    name: str | None = None
    environment: str | None = None
    model: str | None = None
    version: str | None = None
    prompt_name: str | None = None
    prompt_version: int | str | None = None
    metadata: Any = None
    usage_details: dict[str, int] | None = None
    cost_details: dict[str, float] | None = None
    calculated_total_cost: float | None = None


class Trace(msgspec.Struct, rename="camel", gc=False):
    """A row of `/api/public/traces`; prompts and completions are not named here, so they are skipped."""

    id: str
    timestamp: str
    project_id: str = ""
    name: str | None = None
    user_id: str | None = None
    session_id: str | None = None
    release: str | None = None
    version: str | None = None
    tags: tuple[str, ...] | None = None
    metadata: Any = None


class Meta(msgspec.Struct, rename="camel"):
    """`cursor` on every v2 page but the last; `total_pages` on v1 pages."""

    cursor: str | None = None
    total_pages: int | None = None


class PageOf(msgspec.Struct, Generic[T]):
    data: list[T]
    meta: Meta = msgspec.field(default_factory=Meta)


class Organisation(msgspec.Struct):
    id: str = ""
    name: str = ""


class Project(msgspec.Struct):
    id: str
    name: str = ""
    organization: Organisation = msgspec.field(default_factory=Organisation)


class Projects(msgspec.Struct):
    data: list[Project]


class Health(msgspec.Struct):
    status: str
    version: str = ""


class RateLimitDetails(msgspec.Struct, rename="camel"):
    retry_after_seconds: float | None = None
    limit: int | None = None


class ErrorBody(msgspec.Struct):
    """What Langfuse says with an error status; `error` is a text or a list of issues."""

    message: str | None = None
    error: Any = None
    code: str | None = None
    details: RateLimitDetails | None = None


class ReadPage(msgspec.Struct, Generic[R]):
    """The rows of one page that could be read, the others, and where the walk goes on."""

    rows: list[R]
    rejected: list[Rejected]
    meta: Meta

    @property
    def size(self) -> int:
        """How many rows the server put on the page."""
        return len(self.rows) + len(self.rejected)


class _Named(msgspec.Struct):
    id: Any = ""


_RAW_PAGE = msgspec.json.Decoder(PageOf[msgspec.Raw])
_NAMED = msgspec.json.Decoder(_Named)
_ANY = msgspec.json.Decoder()
_LONGEST_REMEMBERED = 4_000
_AT = re.compile(r"^(?P<problem>.*?)(?: - at `\$\.?(?P<field>.*)`)?$", re.DOTALL)
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)

_BRACKET = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)
"""A bracket, or a text with all brackets that are in it."""

_DEEPEST = 200


class PageDecoder(Generic[R]):
    """Decodes pages of one kind of row at once; a page with a bad row again, row by row."""

    def __init__(self, page: type[PageOf[R]], row: type[R]) -> None:
        self._page = msgspec.json.Decoder(page)
        self._row = msgspec.json.Decoder(row)

    def decode(self, body: bytes, *, where: str) -> ReadPage[R]:
        """The page; Retryable (``truncated``, ``not_json``, ``unexpected``) when it is none."""
        try:
            page = self._page.decode(body)
        except RecursionError:
            return self._decode_row_by_row(without_lone_surrogates(shallow(body)), where)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return self._decode_row_by_row(without_lone_surrogates(body), where)
        return ReadPage(page.data, [], page.meta)

    def _decode_row_by_row(self, body: bytes, where: str) -> ReadPage[R]:
        page = decode(_RAW_PAGE, body, where=where)
        rows: list[R] = []
        rejected: list[Rejected] = []
        for raw in page.data:
            text = bytes(raw)
            try:
                rows.append(self._row.decode(text))
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                field, problem = _place(str(error))
                rejected.append(Rejected(_id_of(text), field, problem))
        return ReadPage(rows, rejected, page.meta)


def decode(decoder: msgspec.json.Decoder[T], body: bytes, *, where: str) -> T:
    """The decoded answer; Retryable (``truncated``, ``not_json``, ``unexpected``) when it is not what was expected."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise Retryable("unexpected", f"{where} answers JSON of another shape: {error}") from error
    except RecursionError as error:
        raise Retryable("unexpected", f"{where} answers JSON that is nested too deeply") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise unreadable(body, where) from error


def unreadable(body: bytes, where: str) -> Retryable:
    """Why `body` is no JSON, as the error to raise."""
    if is_html(body):
        return Retryable(
            "not_json",
            f"{where} answers a web page instead of JSON; a proxy or a login page may stand in between",
        )
    if not body.strip():
        return Retryable("truncated", f"{where} sends an empty answer")
    if _is_truncated(body):
        return Retryable("truncated", f"{where} sends JSON that breaks off after {len(body):,} bytes")
    return Retryable(
        "not_json", f"{where} answers something that is not JSON: {body[:60].decode('utf-8', 'replace')!r}"
    )


def is_html(body: bytes) -> bool:
    return body[:512].lstrip()[:1] == b"<"


def without_lone_surrogates(body: bytes) -> bytes:
    """The JSON with half surrogate pairs, as a text cut inside an emoji has them, replaced by U+FFFD.

    They are no valid text, and the decoder refuses the whole page for one.
    """
    if b"\\ud" not in body and b"\\uD" not in body:
        return body
    return _ESCAPE.sub(lambda found: rb"\ufffd" if found["lone"] else found[0], body)


def shallow(body: bytes) -> bytes:
    """The JSON with null in place of whatever lies deeper than 200 levels: the decoder refuses such a page as a whole,
    and one user's metadata must not keep the spend of all others from being read."""
    kept: list[bytes] = []
    depth = begins = done = 0
    for found in _BRACKET.finditer(body):
        sign = found[0]
        if sign in b"[{":
            depth += 1
            begins = found.start() if depth == _DEEPEST + 1 else begins
        elif sign in b"]}":
            if depth == _DEEPEST + 1:
                kept += (body[done:begins], b"null")
                done = found.end()
            depth -= 1
    return b"".join([*kept, body[done:]])


def read_observations(
    page: ReadPage[R], observe: Callable[[R], Observation]
) -> tuple[list[Observation], list[Rejected]]:
    """Every row as an observation; a row whose values make no sense joins the rejected ones."""
    observations: list[Observation] = []
    rejected = list(page.rejected)
    for row in page.rows:
        try:
            observations.append(observe(row))
        except RowError as error:
            rejected.append(Rejected(row.id, error.field, error.problem))
    return observations, rejected


class Metadata:
    """Decodes metadata, the largest part of a row, once for each distinct text: an application writes few of them.

    Equal ones are one object for as long as they are remembered; nobody changes it.
    """

    def __init__(self, most: int = 2_000) -> None:
        self._most = most
        self._known: dict[bytes, Mapping[str, object]] = {}

    def of(self, raw: msgspec.Raw) -> Mapping[str, object]:
        """The object, empty for anything else; RowError when it cannot be decoded."""
        text = bytes(raw)
        found = self._known.get(text)
        if found is None:
            try:
                value = _ANY.decode(text)
            except (msgspec.DecodeError, UnicodeDecodeError):
                value = self._without_lone_surrogates(text)
            found = value if type(value) is dict else {}
            if len(self._known) >= self._most:
                self._known.clear()
            if len(text) <= _LONGEST_REMEMBERED:
                self._known[text] = found
        return found

    def _without_lone_surrogates(self, text: bytes) -> object:
        try:
            return _ANY.decode(without_lone_surrogates(text))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise RowError("metadata", str(error)) from error


class RowError(ValueError):
    """A value of a row that was decoded but makes no sense."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


def instant(field: str, text: str) -> int:
    """Epoch milliseconds; RowError when it is no time."""
    try:
        return epoch_ms(text)
    except (ValueError, OverflowError) as error:
        raise RowError(field, f"{text[:40]!r} is no time") from error


def cost_of(field: str, usd: float | None) -> float:
    """The cost, 0 when absent (Langfuse says 0 for free and for unknown alike); RowError beyond any price."""
    if usd is None:
        return 0.0
    if not -LARGEST_COST_USD <= usd <= LARGEST_COST_USD:
        raise RowError(field, f"{usd} USD is more than one call can cost")
    return usd


def prompt_of(name: str | None, version: int | str | None) -> str:
    """`name:version`, the name alone without a version, "" without a name."""
    if not name:
        return ""
    return name if version is None or version == "" else f"{name}:{version}"


def _is_truncated(body: bytes) -> bool:
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except msgspec.DecodeError as error:
        return "truncated" in str(error)
    except RecursionError:
        return False
    return False


def _place(message: str) -> tuple[str, str]:
    found = _AT.match(message)
    assert found is not None
    return found["field"] or "", found["problem"]


def _id_of(row: bytes) -> str:
    try:
        named = _NAMED.decode(row).id
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    return named[:100] if isinstance(named, str) else ""
