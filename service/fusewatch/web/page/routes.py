"""The routes of the page: itself, the files it loads, logging in and out, and what its forms change.

Reading is open on this machine alone, as for the API; elsewhere a session is needed, or a bearer token. Every change
needs a session that FUSEWATCH_WEB_TOKEN opened, the key that only our own forms carry, and a browser that says that a
form of ours sent it.
"""

from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from fusewatch.domain.notices import State
from fusewatch.domain.silences import mistakes_in, silence_of
from fusewatch.errors import StoreError
from fusewatch.web.access import CHALLENGE, Reading
from fusewatch.web.assets import PREFIX, assets
from fusewatch.web.page.forms import LONGEST_NAME, SPANS_MS, login_page, matchers_of
from fusewatch.web.page.looks import Looks
from fusewatch.web.page.parts import Shown
from fusewatch.web.page.query import Query, read_query
from fusewatch.web.page.rendering import message_page, render_page
from fusewatch.web.sessions import Right, Session, Tokens, cookie_header, cookie_in, is_from_our_page, same
from fusewatch.web.state import Pictures, WebState

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
"""Our own files and nothing else: no other host, no script or style inside the page."""

PAGE_HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": CONTENT_SECURITY_POLICY,
    # With no-referrer a browser would send `Origin: null` with our own forms, too.
    "referrer-policy": "same-origin",
}

LARGEST_FORM = 16_384
_OFF = "This is off here: set FUSEWATCH_READ_TOKEN to read from elsewhere, FUSEWATCH_WEB_TOKEN to change things, too."
_UNPROVEN = "A valid bearer token is needed here."
_UNPROVEN_CHANGE = "Log in with FUSEWATCH_WEB_TOKEN to change something; the session may be over."
_ELSEWHERE = "This was not sent by a form of this page, so nothing was changed."


def page_routes(state: WebState, pictures: Pictures) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    desk = _Desk(state, pictures)
    router.add_api_route("/", desk.page, methods=["GET"])
    router.add_api_route(PREFIX + "{name}", _static, methods=["GET"])
    router.add_api_route("/login", desk.login_form, methods=["GET"])
    router.add_api_route("/login", desk.login, methods=["POST"])
    router.add_api_route("/logout", desk.logout, methods=["POST"])
    router.add_api_route("/silence", desk.silence, methods=["POST"])
    router.add_api_route("/unsilence", desk.unsilence, methods=["POST"])
    router.add_api_route("/acknowledge", desk.acknowledge, methods=["POST"])
    return router


async def _static(name: str) -> Response:
    asset = assets().get(PREFIX + name)
    if asset is None:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    headers = {"content-type": asset.content_type, "cache-control": "public, max-age=31536000, immutable"}
    return Response(asset.content, headers=headers)


class _Desk:
    """Answers for the page."""

    def __init__(self, state: WebState, pictures: Pictures) -> None:
        self.state, self.pictures = state, pictures
        self.tokens = Tokens(state.read_token, state.web_token)
        self.looks = Looks(state)

    # ------------------------------------------------------------ reading

    async def page(self, request: Request) -> Response:
        session = self._session(request)
        if session is None and not self._may_read(request):
            return Response(login_page(back=_back(str(request.url.query))), HTTPStatus.UNAUTHORIZED, _challenged())
        query = read_query(_pairs(request.url.query), self.state.rules())
        try:
            content = await self._rendered(query, session)
        except (StoreError, TimeoutError):
            words = "The database cannot be read at the moment. What was shown before may be old, so it is not shown."
            return Response(message_page("Fusewatch", words), HTTPStatus.SERVICE_UNAVAILABLE, PAGE_HEADERS)
        return Response(content, headers=PAGE_HEADERS)

    async def _rendered(self, query: Query, session: Session | None) -> bytes:
        state = self.state
        snapshot = await self.pictures.snapshot()
        spending = await self.looks.of(query.wanted(state.rules(), snapshot.now_ms), snapshot)
        return render_page(
            Shown(
                snapshot,
                state.telemetry.process(),
                state.rules(),
                state.liveness(),
                query,
                spending,
                session,
                changes=bool(state.web_token),
                login=bool(state.web_token or state.read_token),
                in_use={project.key: state.budget_in_use(project) for project in snapshot.projects},
            )
        )

    def _may_read(self, request: Request) -> bool:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        reading = self.state.reading(request.headers, token.strip() if kind.lower() == "bearer" else None)
        if reading is Reading.OFF:
            raise HTTPException(HTTPStatus.NOT_FOUND, _OFF)
        return reading is Reading.ALLOWED

    def _session(self, request: Request) -> Session | None:
        return self.tokens.session_of(cookie_in(request.headers.get("cookie")), self.state.clock.now_ms())

    # ------------------------------------------------------------ logging in and out

    async def login_form(self, request: Request) -> Response:
        self._login_exists()
        return Response(login_page(), headers=PAGE_HEADERS)

    async def login(self, request: Request) -> Response:
        self._login_exists()
        if not is_from_our_page(request.headers):
            raise HTTPException(HTTPStatus.FORBIDDEN, _ELSEWHERE)
        fields = await _fields(request)
        right = self.tokens.right_of(fields.get("token", "").strip())
        back = _back(fields.get("back", ""))
        if right is None:
            return Response(login_page("That token opens nothing here.", back), HTTPStatus.UNAUTHORIZED, _challenged())
        cookie = self.tokens.cookie_for(right, self.state.clock.now_ms())
        return _to(back, cookie_header(cookie, secure=_is_secure(request)))

    async def logout(self, request: Request) -> Response:
        self._login_exists()
        session = self._session(request)
        if session is not None:
            await self._proven(request, session)
        return _to("/", cookie_header("", secure=_is_secure(request)))

    def _login_exists(self) -> None:
        if not (self.state.web_token or self.state.read_token):
            raise HTTPException(HTTPStatus.NOT_FOUND, _OFF)

    # ------------------------------------------------------------ changes

    async def silence(self, request: Request) -> Response:
        fields = await self._change(request)
        now_ms = self.state.clock.now_ms()
        snapshot = await self.pictures.snapshot()
        incident = next((one for one in snapshot.open_incidents if one.id == fields.get("incident")), None)
        span_ms = SPANS_MS.get(fields.get("span", ""))
        if incident is None:
            return _told(fields, "gone")
        if span_ms is None:
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, f"span: one of {', '.join(SPANS_MS)}")
        rules = self.state.rules()
        silence = silence_of(
            matchers_of(incident, rules.dimensions),
            starts_ms=now_ms,
            ends_ms=now_ms + span_ms,
            author=_author(fields),
            comment=fields.get("comment", "").strip(),
        )
        if mistakes := mistakes_in(silence, rules, now_ms):
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, "; ".join(map(str, mistakes)))
        await self.state.silences.add(silence)
        return _told(fields, "silenced", f"incident-{incident.id}")

    async def unsilence(self, request: Request) -> Response:
        fields = await self._change(request)
        ended = await self.state.silences.end(fields.get("silence", "")[:40])
        return _told(fields, "gone" if ended is None else "unsilenced")

    async def acknowledge(self, request: Request) -> Response:
        fields = await self._change(request)
        incident = await self.state.acknowledge(fields.get("incident", "")[:40], _author(fields))
        if incident is None:
            return _told(fields, "gone")
        over = incident.acked_ms is None and incident.state is not State.OPEN
        return _told(fields, "ended" if over else "acknowledged", f"incident-{incident.id}")

    async def _change(self, request: Request) -> dict[str, str]:
        """The fields of a form that may change something."""
        if not self.state.web_token:
            raise HTTPException(HTTPStatus.NOT_FOUND, _OFF)
        session = self._session(request)
        if session is None or session.right is not Right.CHANGE:
            raise HTTPException(HTTPStatus.UNAUTHORIZED, _UNPROVEN_CHANGE, headers=CHALLENGE)
        return await self._proven(request, session)

    async def _proven(self, request: Request, session: Session) -> dict[str, str]:
        fields = await _fields(request)
        if not is_from_our_page(request.headers) or not same(fields.get("form_key", ""), session.form_key):
            raise HTTPException(HTTPStatus.FORBIDDEN, _ELSEWHERE)
        return fields


def _challenged() -> dict[str, str]:
    return {**PAGE_HEADERS, **CHALLENGE}


def _pairs(query: str) -> list[tuple[str, str]]:
    """What stands in an address; what cannot be read is left out."""
    try:
        return parse_qsl(query, max_num_fields=100)
    except ValueError:
        return []


async def _fields(request: Request) -> dict[str, str]:
    """A form as browsers send it, which is read here since that needs no more than this."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {LARGEST_FORM:,} bytes")
    try:
        return dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=20))
    except ValueError as error:
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, "too many fields") from error


def _author(fields: dict[str, str]) -> str:
    author = fields.get("author", "").strip()
    if not author or len(author) > LONGEST_NAME:
        words = f"author: write who you are, in at most {LONGEST_NAME} characters"
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, words)
    return author


def _back(address: str) -> str:
    """An address of the page and of nothing else, however it is written; a query alone belongs to the page."""
    try:
        query = urlsplit(address).query if address.startswith("/?") else "" if address.startswith("/") else address
    except ValueError:
        query = ""
    kept = query if query.isascii() and query.isprintable() and len(query) < 8000 else ""
    return f"/?{kept}" if kept else "/"


def _told(fields: dict[str, str], word: str, anchor: str = "") -> Response:
    back = _back(fields.get("back", ""))
    return _to(f"{back}{'&' if '?' in back else '?'}told={word}{f'#{anchor}' if anchor else ''}")


def _to(address: str, cookie: str | None = None) -> Response:
    headers = {"location": address} | ({"set-cookie": cookie} if cookie is not None else {})
    return Response(status_code=HTTPStatus.SEE_OTHER, headers=headers)


def _is_secure(request: Request) -> bool:
    """Whether the browser came over TLS, which a proxy before us may have ended: it names its own address."""
    return request.headers.get("origin", "").startswith("https://") or request.url.scheme == "https"
