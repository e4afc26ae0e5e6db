"""Databases on a PostgreSQL of the test run's own: one server for each process, databases that are emptied and used
again."""

import atexit
from contextlib import suppress
from functools import lru_cache
from itertools import count

import psycopg

from fusewatch.store import open_store
from tests.export.postgres import served

_numbers = count(1)
_free: list[str] = []
_taken: list[str] = []


@lru_cache(maxsize=1)
def address() -> str:
    """The address of the server, without a database."""
    running = served()
    url = next(running)
    atexit.register(_stop, running)
    return url.rpartition("/")[0]


def _stop(running: object) -> None:
    close = getattr(running, "close", None)
    if close is not None:
        close()


def admin(statement: str) -> None:
    with psycopg.connect(f"{address()}/postgres", autocommit=True) as link:
        link.execute(statement.encode())


def cut(url: str) -> None:
    """End every session of the database, as a failover does."""
    name = url.rpartition("/")[2]
    admin(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")


def empty_database() -> str:
    """The URL of a database without any table."""
    name = f"empty{next(_numbers)}"
    admin(f"CREATE DATABASE {name}")
    return f"{address()}/{name}"


@lru_cache(maxsize=1)
def _template() -> str:
    url = empty_database()
    open_store(url, holder="template", exclusive=True).close()
    return url.rpartition("/")[2]


def taken_database() -> str:
    """The URL of a database with our tables and nothing in them; it is ours until `give_back`."""
    if _free:
        url = _free.pop()
    else:
        name = f"test{next(_numbers)}"
        admin(f"CREATE DATABASE {name} TEMPLATE {_template()}")
        url = f"{address()}/{name}"
    _taken.append(url)
    return url


def give_back(url: str) -> None:
    """Empty the database for the next one; one that still has a user, or whose tables were changed, is left alone."""
    _taken.remove(url)
    with suppress(psycopg.Error), psycopg.connect(url, autocommit=True) as link:
        link.execute("SET lock_timeout = 200")
        name = url.rpartition("/")[2].encode()
        others = link.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = convert_from($1, 'UTF8')".replace("$1", "%s"), [name]
        ).fetchone()
        if others == (1,):
            link.execute(_emptying(url).encode())
            _free.append(url)


@lru_cache(maxsize=1)
def _emptying(url: str) -> str:
    with psycopg.connect(url, autocommit=True) as link:
        tables = [name for (name,) in link.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        numbers = [name for (name,) in link.execute("SELECT sequencename FROM pg_sequences")]
    deleted = [f'DELETE FROM "{name}"' for name in tables if name != "alembic_version"]
    return "; ".join([*deleted, *(f"""SELECT setval('"{name}"', 1, false)""" for name in numbers)])


def give_back_all() -> None:
    for url in list(_taken):
        give_back(url)
