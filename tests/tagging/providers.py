"""Servers on loopback that answer like OpenAI and Anthropic; the model that is asked for chooses the answer."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]

CHAT_USAGE: Json = {
    "prompt_tokens": 1000,
    "completion_tokens": 300,
    "total_tokens": 1300,
    "prompt_tokens_details": {"cached_tokens": 600, "audio_tokens": 0, "cache_write_tokens": 100},
    "completion_tokens_details": {"reasoning_tokens": 120, "audio_tokens": 0},
}
AUDIO_USAGE: Json = {
    "prompt_tokens": 500,
    "completion_tokens": 200,
    "total_tokens": 700,
    "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 350, "text_tokens": 150},
    "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 160, "text_tokens": 40},
}
RESPONSE_USAGE: Json = {
    "input_tokens": 800,
    "input_tokens_details": {"cached_tokens": 200, "cache_write_tokens": 0},
    "output_tokens": 400,
    "output_tokens_details": {"reasoning_tokens": 250},
    "total_tokens": 1200,
}
MESSAGE_USAGE: Json = {
    "input_tokens": 50,
    "cache_read_input_tokens": 900,
    "cache_creation_input_tokens": 300,
    "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
    "output_tokens": 70,
    "output_tokens_details": {"thinking_tokens": 30},
    "service_tier": "standard",
}


def chat(model: str, usage: Json | None) -> Json:
    message = {"role": "assistant", "content": "hello", "refusal": None}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        **({} if usage is None else {"usage": usage}),
    }


def chat_chunks(model: str, *, asked: bool) -> Iterator[Json]:
    for text in ("hel", "lo"):
        choice = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}
        yield _chunk(model, [choice], {"usage": None} if asked else {})
    yield _chunk(model, [{"index": 0, "delta": {}, "finish_reason": "stop"}], {"usage": None} if asked else {})
    if asked:
        yield _chunk(model, [], {"usage": CHAT_USAGE})


def _chunk(model: str, choices: Sequence[Json], more: Json) -> Json:
    base = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model}
    return {**base, "choices": list(choices), **more}


def response(model: str, status: str, usage: Json | None) -> Json:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": status,
        "model": model,
        "output": [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": usage,
    }


def response_events(model: str) -> Iterator[Json]:
    yield {"type": "response.created", "sequence_number": 0, "response": response(model, "in_progress", None)}
    delta = {"item_id": "m", "output_index": 0, "content_index": 0, "delta": "hello", "logprobs": []}
    yield {"type": "response.output_text.delta", "sequence_number": 1, **delta}
    done = response(model, "completed", RESPONSE_USAGE)
    yield {"type": "response.completed", "sequence_number": 2, "response": done}


def message(model: str, usage: Json) -> Json:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{"type": "text", "text": "hello"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": usage,
    }


def message_events(model: str) -> Iterator[Json]:
    """As Anthropic streams: the input in the first event, output counts so far in the later ones."""
    begun = {**MESSAGE_USAGE, "output_tokens": 1}
    del begun["output_tokens_details"]
    yield {"type": "message_start", "message": {**message(model, begun), "content": [], "stop_reason": None}}
    yield {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    yield {"type": "ping"}
    yield {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hello"}}
    yield {"type": "content_block_stop", "index": 0}
    counted = {"output_tokens": 70, "output_tokens_details": {"thinking_tokens": 30}}
    yield {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": counted}
    yield {"type": "message_stop"}


class _Handler(BaseHTTPRequestHandler):
    """Models: `error-429` and `error-500` fail, `...-broken` loses its stream in the middle, `no-usage` tells none."""

    protocol_version = "HTTP/1.1"
    asked: list[Json]

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(request)
        model = request["model"]
        if model.startswith("error-"):
            body = {"type": "error", "error": {"type": "some_error", "message": f"key sk-123 and {request}"}}
            self._json(int(model[-3:]), body)
        elif request.get("stream"):
            self._stream(self._events(request, model), named=not self.path.endswith("/chat/completions"), model=model)
        else:
            self._json(200, self._whole(model))

    def _whole(self, model: str) -> Json:
        if self.path.endswith("/messages"):
            return message(model, MESSAGE_USAGE)
        if self.path.endswith("/responses"):
            return response(model, "completed", RESPONSE_USAGE)
        if self.path.endswith("/embeddings"):
            row = {"object": "embedding", "index": 0, "embedding": [0.5]}
            return {"object": "list", "model": model, "data": [row], "usage": {"prompt_tokens": 8, "total_tokens": 8}}
        usage = {"no-usage": None, "gpt-4o-audio-preview": AUDIO_USAGE}.get(model, CHAT_USAGE)
        resolved = {"gpt-latest": "gpt-4o-2024-08-06"}.get(model, model)
        tier = {"service_tier": "priority"} if model == "gpt-4o" else {}
        return {**chat(resolved, usage), **tier}

    def _events(self, request: Json, model: str) -> Iterator[Json]:
        if self.path.endswith("/messages"):
            return message_events(model)
        if self.path.endswith("/responses"):
            return response_events(model)
        return chat_chunks(model, asked=(request.get("stream_options") or {}).get("include_usage", False))

    def _stream(self, events: Iterator[Json], *, named: bool, model: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number, event in enumerate(events):
            if number == 2 and model.endswith("-broken"):
                self.close_connection = True
                return
            name = f"event: {event['type']}\n" if named else ""
            self._chunk(f"{name}data: {json.dumps(event)}\n\n")
        if not named:
            self._chunk("data: [DONE]\n\n")
        self._chunk("")

    def _chunk(self, text: str) -> None:
        raw = text.encode()
        self.wfile.write(f"{len(raw):x}\r\n".encode() + raw + b"\r\n")

    def _json(self, status: int, body: Mapping[str, Any]) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Says nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that stopped reading is part of the stories."""


@contextmanager
def providers() -> Iterator[tuple[str, list[Json]]]:
    """The address of a server for both, and the requests that it was sent."""
    asked: list[Json] = []
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"asked": asked}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
