"""The world of a real process, as in tests/process."""

from tests.process.conftest import home as home
from tests.process.conftest import langfuse as langfuse
from tests.process.conftest import receiver as receiver
