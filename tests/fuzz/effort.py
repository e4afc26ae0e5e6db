"""How long to look: a moment in the tests, FUZZ_MINUTES for `make fuzz`; every failing input is printed, shrunk."""

import os
from typing import TypeVar

from hypothesis import HealthCheck, settings

T = TypeVar("T")

MINUTES = float(os.environ.get("FUZZ_MINUTES", "0"))
EXAMPLES_A_MINUTE = 3_000


def looked_at(examples: int) -> settings:
    """So many examples in the tests; for minutes, about as many as fit."""
    more = int(MINUTES * EXAMPLES_A_MINUTE)
    return settings(max_examples=max(examples, more), deadline=None, suppress_health_check=list(HealthCheck))
