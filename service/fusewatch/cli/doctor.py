"""`fusewatch doctor`: looks at each thing that Fusewatch needs, and says what to do where one is missing."""

import asyncio
import os
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import typer

from fusewatch import __version__
from fusewatch.bootstrap import load_rules
from fusewatch.cli.common import ConfigOption, DatabaseOption, JsonOption, environ, holder, print_json
from fusewatch.cli.online import Answered, ask_destination, ask_project
from fusewatch.cli.waiting import waiting
from fusewatch.config.rulefile import Loaded
from fusewatch.config.settings import Settings, load_settings
from fusewatch.errors import AlreadyRunning, ConfigError, FusewatchError
from fusewatch.store import is_postgres, open_store
from fusewatch.store.connection import database_path


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `ok` None where it neither helps nor hinders."""

    what: str
    ok: bool | None
    text: str


def command(config: ConfigOption = None, database: DatabaseOption = None, as_json: JsonOption = False) -> None:
    """Look for what keeps Fusewatch from working, and say what to do. Sends nothing, changes nothing.

    For example: fusewatch doctor --config config/budgets.yaml
    """
    findings = []
    looking = _look(config, database)
    while True:
        with waiting("Looking"):
            finding = next(looking, None)
        if finding is None:
            break
        findings.append(finding)
        if not as_json:
            mark = {True: "✓", False: "✗", None: "·"}[finding.ok]
            print(f"{mark} {finding.what}: {finding.text}")
    if as_json:
        print_json([{"what": f.what, "ok": f.ok, "text": f.text} for f in findings])
    if any(f.ok is False for f in findings):
        raise typer.Exit(1)


def _look(config: str | None, database: str | None) -> Iterator[Finding]:
    python = ".".join(map(str, sys.version_info[:3]))
    yield Finding("version", True, f"Fusewatch {__version__} on Python {python}")
    try:
        settings = load_settings(environ(), config=config, database_url=database)
    except ConfigError as error:
        yield from (Finding("environment", False, str(problem)) for problem in error.problems)
        return
    yield Finding("environment", True, "every variable can be read")
    loaded, findings = _budget_file(Path(settings.config))
    yield from findings
    yield _database(settings)
    if loaded is not None:
        for project in loaded.projects:
            yield _finding(asyncio.run(ask_project(project)))
        for destination in loaded.destinations:
            yield _finding(asyncio.run(ask_destination(destination)))
    yield _listening(settings)


def _budget_file(path: Path) -> tuple[Loaded | None, list[Finding]]:
    try:
        loaded = load_rules(path, environ(), secrets=True)
    except ConfigError as error:
        return None, [Finding("budget file", False, str(problem)) for problem in error.problems]
    count = len(loaded.rules.rules)
    return loaded, [Finding("budget file", True, f"{path} has {count} {'rule' if count == 1 else 'rules'}")]


def _finding(answered: Answered) -> Finding:
    return Finding(answered.what, answered.ok, answered.text)


def _database(settings: Settings) -> Finding:
    url = settings.database_url.get_secret_value()
    try:
        shared = is_postgres(url)
        if not shared and not (path := database_path(url)).exists():
            return _missing(path)
        store = open_store(url, holder=holder(), exclusive=not shared)
    except AlreadyRunning as error:
        return Finding("database", True, f"in use by the daemon ({error.holder})")
    except FusewatchError as error:
        return Finding("database", False, str(error))
    try:
        totals = store.read(lambda unit: unit.totals())
    except FusewatchError as error:
        return Finding("database", False, str(error))
    finally:
        store.close()
    return Finding("database", True, f"usable, {totals.generations:,} generations")


def _missing(path: Path) -> Finding:
    """Opening it would make it, and a doctor changes nothing."""
    if not os.access(path.parent, os.W_OK | os.X_OK):
        return Finding("database", False, f"{path} cannot be made: {path.parent} must be a folder that we may write to")
    return Finding("database", None, f"there is none at {path} yet; `fusewatch run` makes it")


def _listening(settings: Settings) -> Finding:
    host, port = settings.listen
    where = f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else host}:{port}"  # noqa: S104 - compared, not listened on
    try:
        with urllib.request.urlopen(f"{where}/healthz", timeout=3) as answer:  # noqa: S310 - http alone, to the daemon's own address
            if answer.read(300).strip() == b"ok":
                return Finding("daemon", True, f"alive at {where} ({answer.status})")
            return Finding("daemon", False, f"something else answers at {where}; set FUSEWATCH_LISTEN to a free port")
    except urllib.error.HTTPError as error:
        return Finding(
            "daemon", False, f"{where}/healthz answers {error.code}: {error.read(300).decode(errors='replace')}"
        )
    except OSError:
        pass
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        try:
            probe.bind((host, port))
        except OSError as error:
            return Finding(
                "daemon", False, f"{host}:{port} cannot be listened on ({error.strerror}); set FUSEWATCH_LISTEN"
            )
    return Finding("daemon", None, f"not running; {host}:{port} is free for it")
