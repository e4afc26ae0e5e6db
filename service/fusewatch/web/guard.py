"""Before any route: bodies that are too large, and requests that two servers could read differently, are refused."""

from http import HTTPStatus

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fusewatch.web.problems import problem
from fusewatch.web.slack import LARGEST_BODY as LARGEST_CHOICE
from fusewatch.web.slack import PATH as CHOICES

LARGEST_BODY = 64 * 1024
"""Bytes of anything but a choice in Slack."""

_TOO_LARGE = "The body is larger than {:,} bytes, and so than anything that can be meant."
_TWO_LENGTHS = "Content-Length and Transfer-Encoding contradict each other."


class Guard:
    """Counts a body as it comes, and never holds more of it than is allowed."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        largest = LARGEST_CHOICE if scope["path"] == CHOICES else LARGEST_BODY
        headers = Headers(scope=scope)
        length = headers.get("content-length")
        close = {"connection": "close"}
        if length is not None and "transfer-encoding" in headers:
            # RFC 9112, 6.1: such a message may be an attempt at smuggling another request past a proxy.
            await problem(Request(scope), HTTPStatus.BAD_REQUEST, _TWO_LENGTHS, close)(scope, receive, send)
            return
        if length is not None and length.isdecimal() and int(length[:20]) > largest:
            detail = _TOO_LARGE.format(largest)
            await problem(Request(scope), HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, close)(scope, receive, send)
            return
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > largest:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _TOO_LARGE.format(largest), headers=close)
            return message

        await self.app(scope, counted, send)
