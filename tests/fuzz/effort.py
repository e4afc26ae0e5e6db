"""What is fuzzed, how long, and how many inputs were looked at: a moment in the tests, longer in a campaign."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, cast

from hypothesis import HealthCheck, settings

Test = Callable[..., None]

AT_ONCE = int(os.environ.get("FUZZ_AT_ONCE", "0"))
"""In a campaign, how many inputs hypothesis draws in one search, in place of the few of the tests."""


@dataclass(slots=True)
class Fuzz:
    """A test of random inputs of one kind. `tried` counts its calls, `seen` the inputs that differ."""

    kind: str
    test: Test
    tried: int = 0
    seen: set[int] = field(default_factory=set)


ALL: list[Fuzz] = []
"""In the order in which they were declared."""


def looked_at(examples: int, kind: str) -> Callable[[Test], Test]:
    """Above `@given`: so many inputs in the tests. `kind` is what the figures call them."""

    def declare(test: Test) -> Test:
        fuzz = Fuzz(kind, test)
        handle = cast("Any", test).hypothesis
        inner: Test = handle.inner_test

        @wraps(inner)
        def counted(*positional: object, **named: object) -> None:
            fuzz.tried += 1
            fuzz.seen.add(hash(repr((positional, sorted(named.items())))))
            inner(*positional, **named)

        handle.inner_test = counted
        ALL.append(fuzz)
        return settings(max_examples=AT_ONCE or examples, deadline=None, suppress_health_check=list(HealthCheck))(test)

    return declare
