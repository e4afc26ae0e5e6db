"""What the commands that read Langfuse share: the projects of the budget file, each with its reader."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from fusewatch.app.ingest import Reader
from fusewatch.app.pricing import Shelf
from fusewatch.app.rategate import RateGate, RateGates
from fusewatch.bootstrap import connect_project, load_rules
from fusewatch.cli.common import environ
from fusewatch.cli.online import world
from fusewatch.config.rulefile import Loaded, ProjectConfig
from fusewatch.config.settings import Settings
from fusewatch.domain.attribution import Resolver
from fusewatch.domain.readplan import window_of
from fusewatch.errors import ConfigError, Problem
from fusewatch.ports import Store
from fusewatch.runtime import InlineRunner


def chosen_projects(settings: Settings, name: str | None) -> tuple[Loaded, list[ProjectConfig]]:
    """The budget file and those of its projects that are meant; ConfigError when there is none of that name."""
    loaded = load_rules(Path(settings.config), environ(), secrets=True)
    projects = [p for p in loaded.projects if name in (None, p.name)]
    if not projects:
        known = ", ".join(p.name for p in loaded.projects)
        raise ConfigError(
            [Problem("command line", 0, "--project", f"there is no project {name}", f"choose from {known}")]
        )
    return loaded, projects


@dataclass(frozen=True, slots=True)
class Opened:
    """A project that answers, and the request budget of its organisation."""

    reader: Reader
    gate: RateGate
    api: str
    shelf: Shelf

    async def limited(self) -> bool:
        """Whether requests for its rows are limited, as far as that is known."""
        return await self.gate.bounded(f"{self.api}_observations")


@asynccontextmanager
async def opened(config: ProjectConfig, loaded: Loaded, store: Store) -> AsyncIterator[Opened]:
    """One project, identified and registered; raises as `Source.identify` does."""
    outside = world()
    gates = RateGates(store, InlineRunner(), outside.clock)
    entry = connect_project(config, replace(outside, gates=gates), store)
    try:
        identity = await entry.source.identify()
        state = store.register(identity, config.name, now_ms=outside.clock.now_ms())
        resolver = Resolver(loaded.rules.attribution)
        shelf = Shelf()
        book = store.ingest(state.key, lambda u: shelf.take(u, loaded.rules.prices))
        reader = Reader(entry.source, state.key, resolver, window_ms=window_of(identity.api), prices=book)
        yield Opened(reader, gates.of(config.base_url, identity.organisation_id), identity.api, shelf)
    finally:
        await entry.source.close()
        await gates.save()
