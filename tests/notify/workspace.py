"""An imitation of Slack's Web API behind httpx's own seam: it keeps channels, threads and files, as Slack documents it.

docs.slack.dev: chat.postMessage, chat.update, conversations.history, conversations.replies, files.*. Its troubles are
ordered by tests: a refusal (``ok: false``), an answer that is lost after the call worked, or one that never arrives.
"""

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import parse_qs

import httpx

Json = dict[str, object]

CHANNEL, CHANNEL_ID = "#llm-spend", "C0123456789"
TOKEN = "xoxb-canary-token"

HISTORY = ("channels:history",)
FILES = (*HISTORY, "files:write")


class Trouble(NamedTuple):
    """What befalls the next call of a method: `refuse` answers the error; `lose` takes it and loses the answer; `drop`
    never takes it; `status` answers with an HTTP status."""

    kind: str
    text: str = ""


@dataclass(slots=True)
class Said:
    """A message as the workspace has it."""

    ts: str
    payload: Json
    thread_ts: str = ""
    edits: int = 0

    @property
    def text(self) -> str:
        return str(self.payload["text"])

    @property
    def headline(self) -> str:
        """The first line, without escapes."""
        return self.text.splitlines()[0].replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")

    @property
    def broadcast(self) -> bool:
        return bool(self.payload.get("reply_broadcast"))

    @property
    def id(self) -> str:
        metadata = self.payload["metadata"]
        assert isinstance(metadata, dict)
        return str(metadata["event_payload"]["id"])


@dataclass(slots=True)
class Workspace:
    """One channel, one bot in it. `calls` are (method, accepted) in their order, `posted` all texts ever posted."""

    scopes: tuple[str, ...] = ()
    messages: list[Said] = field(default_factory=list)
    files: list[tuple[str, bytes, str]] = field(default_factory=list)
    """Shared files: title, content, thread."""
    troubles: dict[str, deque[Trouble]] = field(default_factory=dict)
    calls: list[tuple[str, bool]] = field(default_factory=list)
    uploads: dict[str, bytes] = field(default_factory=dict)
    editable: bool = True
    posted: list[str] = field(default_factory=list)
    clock: int = 1_795_535_520

    def befalls(self, method: str, *troubles: Trouble) -> None:
        self.troubles.setdefault(method, deque()).extend(troubles)

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._answer)

    @property
    def roots(self) -> list[Said]:
        return [said for said in self.messages if not said.thread_ts]

    def replies(self, root: Said) -> list[Said]:
        return [said for said in self.messages if said.thread_ts == root.ts]

    def delete(self, said: Said) -> None:
        """Somebody deletes a message; its replies stay, and nothing can be added to them."""
        self.messages.remove(said)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        method = request.url.path.removeprefix("/api/").lstrip("/")
        trouble = self._trouble(method)
        if trouble is not None and trouble.kind == "drop":
            raise httpx.ConnectError("refused", request=request)
        if trouble is not None and trouble.kind == "refuse":
            self.calls.append((method, False))
            return httpx.Response(200, json={"ok": False, "error": trouble.text})
        if trouble is not None and trouble.kind == "status":
            self.calls.append((method, False))
            return httpx.Response(int(trouble.text), headers={"Retry-After": "30"})
        answer = self._take(method, request)
        self.calls.append((method, bool(answer["ok"])))
        if trouble is not None and trouble.kind == "lose":
            raise httpx.ReadTimeout("no answer", request=request)
        return httpx.Response(200, json=answer)

    def _trouble(self, method: str) -> Trouble | None:
        ordered = self.troubles.get(method)
        return ordered.popleft() if ordered else None

    def _take(self, method: str, request: httpx.Request) -> Json:
        if method.startswith("upload/"):
            self.uploads[method] = request.content
            return {"ok": True}
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        if request.headers["content-type"].startswith("application/json"):
            arguments = json.loads(request.content)
        else:
            assert request.headers["content-type"] == "application/x-www-form-urlencoded"
            arguments = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        methods: dict[str, Callable[[Json], Json]] = {
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "conversations.history": self._history,
            "conversations.replies": self._history,
            "files.getUploadURLExternal": self._upload,
            "files.completeUploadExternal": self._share,
        }
        return methods[method](arguments)

    def _post(self, payload: Json) -> Json:
        if payload["channel"] not in (CHANNEL, CHANNEL_ID):
            return {"ok": False, "error": "channel_not_found"}
        thread_ts = str(payload.get("thread_ts") or "")
        if thread_ts and self._find(thread_ts) is None:
            return {"ok": False, "error": "thread_not_found"}
        if payload.get("reply_broadcast"):
            assert thread_ts, "only a reply can be broadcast"
            assert not payload.get("attachments"), "a broadcast holds no attachments"
        self.clock += 1
        said = Said(f"{self.clock}.000100", payload, thread_ts)
        self.messages.append(said)
        self.posted.append(said.text)
        return {"ok": True, "channel": CHANNEL_ID, "ts": said.ts, "message": payload}

    def _update(self, payload: Json) -> Json:
        if payload["channel"] != CHANNEL_ID:  # chat.update takes no name
            return {"ok": False, "error": "channel_not_found"}
        said = self._find(str(payload["ts"]))
        if said is None:
            return {"ok": False, "error": "message_not_found"}
        if not self.editable:
            return {"ok": False, "error": "edit_window_closed"}
        said.payload = {**said.payload, **payload}
        said.edits += 1
        return {"ok": True, "channel": CHANNEL_ID, "ts": said.ts, "text": payload["text"]}

    def _history(self, arguments: Json) -> Json:
        thread_ts = str(arguments.get("ts") or "")
        if not self.scopes:
            return {"ok": False, "error": "missing_scope", "needed": "channels:history"}
        if arguments["channel"] != CHANNEL_ID:
            return {"ok": False, "error": "channel_not_found"}
        found = [
            said
            for said in self.messages
            if (thread_ts in (said.thread_ts, said.ts) if thread_ts else self._in_channel(said))
        ]
        latest = found[-int(str(arguments["limit"])) :]
        return {"ok": True, "messages": [self._past(said) for said in latest]}

    def _in_channel(self, said: Said) -> bool:
        return not said.thread_ts or said.broadcast

    def _past(self, said: Said) -> Json:
        past: Json = {"ts": said.ts, "text": said.text, "metadata": said.payload["metadata"]}
        return {**past, "thread_ts": said.thread_ts} if said.thread_ts else past

    def _upload(self, arguments: Json) -> Json:
        if "files:write" not in self.scopes:
            return {"ok": False, "error": "missing_scope", "needed": "files:write"}
        assert int(str(arguments["length"])) > 0
        number = len(self.uploads) + 1
        return {"ok": True, "upload_url": f"https://files.slack.com/upload/{number}", "file_id": f"F{number:010}"}

    def _share(self, arguments: Json) -> Json:
        files = arguments["files"]
        assert isinstance(files, list)
        (shared,) = files
        content = self.uploads.get(f"upload/{int(shared['id'][1:])}")
        if content is None:
            return {"ok": False, "error": "file_not_found"}
        self.files.append((shared["title"], content, str(arguments.get("thread_ts") or "")))
        return {"ok": True, "files": [{"id": shared["id"], "title": shared["title"]}]}

    def _find(self, ts: str) -> Said | None:
        return next((said for said in self.messages if said.ts == ts), None)
