"""`fusewatch check` answers in half a second, so reading a budget file must not pull in what it does not need."""

import subprocess
import sys

HEAVY = ("sqlalchemy", "httpx", "fastapi", "pydantic_settings", "asyncio", "alembic", "slack_sdk", "rich", "jsonschema")


def test_reading_a_budget_file_imports_nothing_heavy() -> None:
    program = f"import sys, fusewatch.config.rulefile; print(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert answer.stdout.strip() == ""
