"""`attribute(...)`: every model call inside the block or the function carries these dimensions."""

import functools
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AbstractContextManager
from contextvars import ContextVar, copy_context
from types import TracebackType
from typing import Any, Self, TypeVar, cast

from langfuse import propagate_attributes

from fusewatch.tagging.complaints import harmless
from fusewatch.tagging.stepping import steps_in
from fusewatch.tagging.values import clean_dimensions, clean_value

Function = TypeVar("Function", bound=Callable[..., Any])

_entered: ContextVar[tuple["_Entry", ...]] = ContextVar("fusewatch_attributions", default=())
_Entry = tuple["Attribution", AbstractContextManager[Any] | None]


def attribute(
    *,
    feature: object = None,
    team: object = None,
    user_id: object = None,
    session_id: object = None,
    tags: list[str] | None = None,
    trace_name: object = None,
    **dimensions: object,
) -> "Attribution":
    """Dimensions for every observation that starts inside: `with attribute(...):` or `@attribute(...)`.

    `feature`, `team` and names of your own land in `metadata.<name>` of each observation, `user_id` and `session_id`
    in its user and session, `tags` and `trace_name` in those of its trace. Blocks nest: they merge, and where both name
    a dimension the inner one wins; None names nothing. Texts, numbers, enum members, UUIDs and dates are taken, as
    texts of at most 200 characters; anything else is told once in the log and left out. Never raises for a value, nor
    for a Langfuse that is not there.

    As a decorator it takes functions, coroutine functions, generators and asynchronous generators; the dimensions
    hold while their body runs and never for what the caller does between two values.
    """
    return Attribution({"feature": feature, "team": team, **dimensions}, user_id, session_id, tags, trace_name)


class Attribution:
    """What `attribute` returns. It holds no state of a block, so one may be used again, nested, and by many tasks."""

    __slots__ = ("metadata", "session_id", "tags", "trace_name", "user_id")

    def __init__(
        self,
        dimensions: dict[str, object],
        user_id: object = None,
        session_id: object = None,
        tags: list[str] | None = None,
        trace_name: object = None,
    ) -> None:
        self.metadata: dict[str, str] = {}
        self.user_id: str | None = None
        self.session_id: str | None = None
        self.trace_name: str | None = None
        self.tags: list[str] = []
        with harmless("Reading the dimensions of attribute()"):
            self.metadata = clean_dimensions(dimensions)
            self.user_id = clean_value("user_id", user_id)
            self.session_id = clean_value("session_id", session_id)
            self.trace_name = clean_value("trace_name", trace_name)
            self.tags = [text for tag in tags or () if (text := clean_value("tags", tag)) is not None]

    def __enter__(self) -> Self:
        propagation: AbstractContextManager[Any] | None = None
        with harmless("Propagating dimensions"):
            propagation = propagate_attributes(
                user_id=self.user_id,
                session_id=self.session_id,
                metadata=self.metadata or None,
                tags=self.tags or None,
                trace_name=self.trace_name,
            )
            propagation.__enter__()
        _entered.set((*_entered.get(), (self, propagation)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        entered = _entered.get()
        if not entered or entered[-1][0] is not self:
            return  # unwound in another task than it was entered in: that task's context is gone anyway
        _entered.set(entered[:-1])
        propagation = entered[-1][1]
        if propagation is not None:
            with harmless("Ending the propagation of dimensions"):
                # Not told of the error: the SDK's block would raise it again in here.
                propagation.__exit__(None, None, None)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def __call__(self, function: Function, /) -> Function:
        """The function with these dimensions around each of its calls."""
        if inspect.isasyncgenfunction(function):
            wrapped: Callable[..., Any] = self._async_generator(function)
        elif inspect.isgeneratorfunction(function):
            wrapped = self._generator(function)
        elif inspect.iscoroutinefunction(function):
            wrapped = self._coroutine(function)
        else:
            wrapped = self._plain(function)
        return cast(Function, functools.wraps(function)(wrapped))

    def _plain(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return call

    def _coroutine(self, function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            with self:
                return await function(*args, **kwargs)

        return call

    def _generator(self, function: Callable[..., Generator[Any, Any, Any]]) -> Callable[..., Any]:
        def generate(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            # A context of its own: a generator shares its caller's, who would carry the dimensions between two values.
            context = copy_context()
            context.run(self.__enter__)
            inner = function(*args, **kwargs)
            step: Callable[[], Any] = functools.partial(next, inner)
            try:
                while True:
                    try:
                        value = context.run(step)
                    except StopIteration as end:
                        return end.value
                    try:
                        step = functools.partial(inner.send, (yield value))
                    except GeneratorExit:
                        raise
                    except BaseException as error:  # noqa: BLE001 - whatever the caller throws belongs to the generator
                        step = functools.partial(inner.throw, error)
            finally:
                context.run(inner.close)

        return generate

    def _async_generator(self, function: Callable[..., AsyncGenerator[Any, Any]]) -> Callable[..., Any]:
        async def generate(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
            context = copy_context()
            context.run(self.__enter__)
            inner = function(*args, **kwargs)
            step: Callable[[], Awaitable[Any]] = inner.__anext__
            try:
                while True:
                    try:
                        value = await steps_in(context, step)
                    except StopAsyncIteration:
                        return
                    try:
                        step = functools.partial(inner.asend, (yield value))
                    except GeneratorExit:
                        raise
                    except BaseException as error:  # noqa: BLE001 - whatever the caller throws belongs to the generator
                        step = functools.partial(inner.athrow, error)
            finally:
                await steps_in(context, inner.aclose)

        return generate
