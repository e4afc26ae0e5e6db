"""Running a coroutine in a context that is not its task's."""

from collections.abc import Awaitable, Callable, Generator
from contextvars import Context
from typing import Any, TypeVar

T = TypeVar("T")


class steps_in(Awaitable[T]):  # noqa: N801 - awaited like a function: `await steps_in(context, coroutine_function)`
    """Awaits what `start()` returns, each of its steps run in `context`, by the task that awaits it."""

    __slots__ = ("_context", "_start")

    def __init__(self, context: Context, start: Callable[[], Awaitable[T]]) -> None:
        self._context = context
        self._start = start

    def __await__(self) -> Generator[Any, Any, T]:
        run = self._context.run
        steps = run(lambda: self._start().__await__())
        step: Callable[[], Any] = lambda: next(steps)  # noqa: E731 - replaced below by what the task sends or throws
        while True:
            try:
                waited = run(step)
            except StopIteration as end:
                result: T = end.value
                return result
            try:
                sent = yield waited
            except BaseException as error:  # noqa: BLE001 - a cancellation is for the coroutine to see
                thrown = error
                step = _throwing(steps, thrown)
            else:
                step = _sending(steps, sent)


def _sending(steps: Any, sent: Any) -> Callable[[], Any]:
    return (lambda: next(steps)) if sent is None else (lambda: steps.send(sent))


def _throwing(steps: Any, error: BaseException) -> Callable[[], Any]:
    if isinstance(error, GeneratorExit):
        return lambda: _closed(steps, error)
    return lambda: steps.throw(error)


def _closed(steps: Any, error: BaseException) -> Any:
    steps.close()
    raise error
