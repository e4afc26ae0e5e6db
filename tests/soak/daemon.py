"""`python -m tests.soak.daemon BEGAN_S START_MS SPEED`: the real daemon in the present folder, on a fast clock."""

import asyncio
import os
import sys
from pathlib import Path

from fusewatch.config.settings import load_settings
from fusewatch.daemon.service import Service, run_service
from fusewatch.store import open_store
from tests.soak.clock import SharedFastClock

if __name__ == "__main__":
    settings = load_settings(os.environ, config=None, database_url=None)
    clock = SharedFastClock(float(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
    with open_store(settings.database_url.get_secret_value(), holder="the soak", exclusive=True) as store:
        asyncio.run(
            run_service(
                Service(
                    config=Path(settings.config),
                    environ=os.environ,
                    store=store,
                    clock=clock,
                    holder="the soak",
                    listen=settings.listen,
                    listen_is_loopback=True,
                    poll_interval_s=settings.poll_interval / 1000,
                    read_token=None,
                    web_token=None,
                    signing_secret="",
                    public_url="",
                    log_format="json",
                    strict=False,
                )
            )
        )
