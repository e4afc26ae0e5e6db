"""Streams watched while the application reads them: same chunks, same errors, and the usage told at the end."""

from collections.abc import AsyncIterator, Iterator
from types import TracebackType
from typing import Any, Self

from fusewatch.tagging.calls import Call
from fusewatch.tagging.usage import read


class _Watched:
    """What both kinds share. Anything not defined here is the stream's own."""

    def __init__(self, stream: Any, call: Call, *, hide_usage: bool = False) -> None:
        self._stream = stream
        self._call = call
        self._hide_usage = hide_usage

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __del__(self) -> None:
        call = self.__dict__.get("_call")
        if call is not None:
            call.cut_short()

    def _shown(self, chunk: Any) -> bool:
        """Whether the application gets this chunk: the one that only carries usage it did not ask for is kept back."""
        self._call.saw(chunk)
        return not (self._hide_usage and read(chunk, "usage") is not None and not read(chunk, "choices"))


class WatchedStream(_Watched, Iterator[Any]):
    """A synchronous stream of openai or anthropic, recorded when it ends, breaks or is closed."""

    def __next__(self) -> Any:
        while True:
            try:
                chunk = next(self._stream)
            except StopIteration:
                self._call.end()
                raise
            except BaseException as error:
                self._call.fail(error)
                raise
            if self._shown(chunk):
                return chunk

    def __enter__(self) -> Self:
        self._stream.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._stream.__exit__(kind, error, trace)
        finally:
            self._call.cut_short()

    def close(self) -> None:
        """Closes the connection; what was reported until now is recorded."""
        try:
            self._stream.close()
        finally:
            self._call.cut_short()


class WatchedAsyncStream(_Watched, AsyncIterator[Any]):
    """The same for an asynchronous stream."""

    async def __anext__(self) -> Any:
        while True:
            try:
                chunk = await self._stream.__anext__()
            except StopAsyncIteration:
                self._call.end()
                raise
            except BaseException as error:
                self._call.fail(error)
                raise
            if self._shown(chunk):
                return chunk

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._stream.__aexit__(kind, error, trace)
        finally:
            self._call.cut_short()

    async def close(self) -> None:
        """Closes the connection; what was reported until now is recorded."""
        try:
            await self._stream.close()
        finally:
            self._call.cut_short()


def is_stream(response: object) -> bool:
    return hasattr(response, "__next__") or hasattr(response, "__anext__")


def watched(stream: Any, call: Call, *, hide_usage: bool = False) -> WatchedStream | WatchedAsyncStream:
    kind = WatchedAsyncStream if hasattr(stream, "__anext__") else WatchedStream
    return kind(stream, call, hide_usage=hide_usage)
