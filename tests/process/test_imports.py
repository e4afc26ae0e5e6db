"""What a process loads: memory and time go where the code that is loaded goes."""

import sys

from tests.process.home import Home

REMEMBERING = (
    sys.executable,
    "-c",
    "import atexit, pathlib, sys\n"
    "sys.argv[0] = 'fusewatch'\n"
    "atexit.register(lambda: pathlib.Path('modules').write_text('\\n'.join(sys.modules)))\n"
    "from fusewatch.cli import main\n"
    "main()",
)
"""The command, which writes down at its end what it loaded."""

BUDGETS = "version: 1\nbudgets:\n  - {name: cap, limit: $5, every: day}\n"


def loaded(home: Home) -> set[str]:
    return {name.partition(".")[0] for name in (home.folder / "modules").read_text().splitlines()}


def test_a_daemon_whose_schema_is_up_to_date_loads_no_migrations_and_never_the_sdk_of_langfuse(home: Home) -> None:
    home.write(BUDGETS)
    for migrations in (True, False):
        daemon = home.start("run", program=REMEMBERING)
        assert daemon.get("/metrics")[0] == 200
        assert daemon.stop() == 0
        assert ("alembic" in loaded(home)) is migrations
        assert "sqlalchemy" in loaded(home)
        assert "langfuse" not in loaded(home)


def test_check_loads_neither_the_database_nor_the_http_client(home: Home) -> None:
    home.write(BUDGETS)
    assert home.call("check", program=REMEMBERING).returncode == 0
    assert "ruamel" in loaded(home)
    assert loaded(home) & {"sqlalchemy", "httpx", "alembic", "fastapi", "uvicorn", "langfuse"} == set()
