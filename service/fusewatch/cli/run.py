"""`fusewatch run`: the daemon."""

import asyncio
import resource
import secrets
from pathlib import Path
from typing import Annotated

import typer

from fusewatch.bootstrap import load_rules
from fusewatch.cli.common import ConfigOption, DatabaseOption, environ, holder
from fusewatch.config.settings import listen_is_loopback, load_settings
from fusewatch.daemon.service import Service, run_service
from fusewatch.runtime import SystemClock, collect_seldom, give_memory_back
from fusewatch.store import is_postgres, open_store
from fusewatch.store.connection import database_path

LEAVE_AFTER_S = 9.0
"""Seconds after a signal within which the process ends, whatever it is in the middle of (promise 13 says 10)."""


def command(
    config: ConfigOption = None,
    database: DatabaseOption = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse to start on a broken budget file, even with good rules stored.")
    ] = False,
) -> None:
    """Run the daemon: read Langfuse, judge the rules, send notices, serve /metrics and the page.

    It ends in good order on SIGTERM or Ctrl-C. Settings come from the environment; see the README.

    For example: fusewatch run --config config/budgets.yaml
    """
    # A dump of the process would hold every secret and lie about for whoever comes along.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    settings = load_settings(environ(), config=config, database_url=database)
    url = settings.database_url.get_secret_value()
    if not is_postgres(url) and not database_path(url).exists():
        # A first start that cannot work leaves nothing behind.
        load_rules(Path(settings.config), environ(), secrets=True)
    clock = SystemClock()
    # One pod follows another under the same name and process number: claims and leases need to tell them apart.
    name = f"{holder()} ({secrets.token_hex(4)})"
    with open_store(url, holder=holder(), exclusive=True) as store:
        leases = store.leases(name, clock.monotonic) if store.is_shared else None
        if leases is not None:
            store.guard(leases)
        collect_seldom()
        give_memory_back()
        asyncio.run(
            run_service(
                Service(
                    config=Path(settings.config),
                    environ=environ(),
                    store=store,
                    clock=clock,
                    holder=name if leases is not None else holder(),
                    leases=leases,
                    listen=settings.listen,
                    listen_is_loopback=listen_is_loopback(settings.listen),
                    poll_interval_s=settings.poll_interval / 1000,
                    leave_after_s=LEAVE_AFTER_S,
                    read_token=settings.read_token.get_secret_value() if settings.read_token else None,
                    web_token=settings.web_token.get_secret_value() if settings.web_token else None,
                    signing_secret=settings.slack_signing_secret.get_secret_value()
                    if settings.slack_signing_secret
                    else "",
                    public_url=settings.public_url or "",
                    log_format=settings.log_format,
                    strict=strict,
                )
            )
        )
