"""The one place that names concrete classes and puts them together."""

import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TextIO

import httpx

from fusewatch.app.rategate import RateGates
from fusewatch.app.scheduled import Schedule
from fusewatch.checking import template_problems
from fusewatch.config.rulefile import (
    AlertmanagerConfig,
    AppriseConfig,
    ConsoleConfig,
    DestinationConfig,
    EmailConfig,
    ExportConfig,
    HeartbeatConfig,
    Loaded,
    PagerdutyConfig,
    ProjectConfig,
    SlackConfig,
    WebhookConfig,
    inputs,
    load,
    load_text,
)
from fusewatch.domain.attribution import Resolver
from fusewatch.domain.notices import Wording
from fusewatch.domain.rules import RuleSet
from fusewatch.errors import ConfigError, Problem
from fusewatch.export.targets import GROUPS_TABLE, ROWS_TABLE, open_target, place_of
from fusewatch.langfuse.links import Links
from fusewatch.langfuse.source import open_source
from fusewatch.langfuse.transport import base_url_of
from fusewatch.notify.alertmanager import Alertmanager
from fusewatch.notify.factory import build as build_notifier
from fusewatch.notify.heartbeat import Heartbeat, check_address
from fusewatch.notify.inownwords import InOwnWords
from fusewatch.notify.kinds import (
    PAGERDUTY,
    AlertmanagerKind,
    AppriseKind,
    ConsoleKind,
    EmailKind,
    Kind,
    PagerdutyKind,
    SlackBotKind,
    SlackWebhookKind,
    WebhookKind,
)
from fusewatch.ports import (
    Clock,
    Linker,
    Notifier,
    Pinger,
    PriceList,
    Relay,
    Source,
    Store,
    StoredRules,
    ThreadMemory,
)
from fusewatch.ports.leases import JUDGE, Everything, Rights

LINKER: Linker = Links()
"""Addresses of Langfuse's own pages."""

OnRequest = Callable[[str, str, str, float], None]
"""Told after each request to Langfuse: project name, endpoint, status or reason, seconds."""


@dataclass(frozen=True, slots=True)
class ProjectEntry:
    """A project as configured: its name in the budget file, its host, and the way to read it."""

    name: str
    host: str
    source: Source


@dataclass(frozen=True, slots=True)
class HeartbeatEntry:
    """A heartbeat as configured, and the least seconds between two."""

    pinger: Pinger
    every_s: float


@dataclass(frozen=True, slots=True)
class Connections:
    """The outside world as one budget file names it. `mark` tells whether another file names another world."""

    projects: tuple[ProjectEntry, ...]
    notifiers: Mapping[str, Notifier]
    mark: object
    relays: Mapping[str, Relay] = field(default_factory=dict)
    """Those of the notifiers whose receivers are told how things stand."""
    heartbeat: HeartbeatEntry | None = None
    exports: tuple[Schedule, ...] = ()


@dataclass(frozen=True, slots=True)
class World:
    """Where the outside begins. Tests put their own transports in, the demo its own stream."""

    clock: Clock
    on_request: OnRequest
    stream: TextIO | None = None
    transport: httpx.AsyncBaseTransport | None = None
    threads: ThreadMemory | None = None
    """Remembers what destinations can change after it was sent."""
    signing_secret: str = field(default="", repr=False)
    """Of the Slack app: with it a bot's messages have buttons."""
    gates: RateGates | None = None
    """The rate budgets of this process's organisations; without them only `Retry-After` is obeyed."""


def kind_of(config: DestinationConfig) -> Kind | None:  # noqa: PLR0911 - a table
    """What the notifier of a configured destination needs; None for types that this version cannot send to."""
    match config:
        case ConsoleConfig():
            return ConsoleKind()
        case SlackConfig(webhook_url=url) if url is not None:
            return SlackWebhookKind(url.get_secret_value())
        case SlackConfig(token=token) if token is not None:
            return SlackBotKind(token.get_secret_value(), config.channel)
        case WebhookConfig():
            return WebhookKind(config.url.get_secret_value(), tuple(s.get_secret_value() for s in config.secrets))
        case AlertmanagerConfig():
            bearer = config.token.get_secret_value() if config.token else ""
            return AlertmanagerKind(config.url.get_secret_value(), bearer)
        case PagerdutyConfig():
            return PagerdutyKind(config.routing_key.get_secret_value(), config.url or PAGERDUTY[config.region])
        case EmailConfig():
            return EmailKind(config.to, config.smtp.get_secret_value(), config.sender)
        case AppriseConfig():
            return AppriseKind(config.url.get_secret_value())
        case _:
            return None


def check_destinations(loaded: Loaded) -> None:
    """ConfigError with every destination, and the heartbeat, whose values cannot be meant; nothing is sent."""
    problems = []
    for config in loaded.destinations:
        try:
            kind_of(config)
        except ValueError as error:
            problems.append(Problem("destinations", 0, config.name, str(error)))
    if loaded.heartbeat is not None:
        try:
            check_address(loaded.heartbeat.url.get_secret_value())
        except ValueError as error:
            problems.append(Problem("heartbeat", 0, "url", str(error)))
    problems += template_problems(loaded)
    for index, export in enumerate(loaded.exports):
        try:
            connect_export(export)
        except ValueError as error:
            problems.append(Problem("exports", 0, f"[{index}].to", str(error)))
    if problems:
        raise ConfigError(problems)


def load_rules(path: Path, environ: Mapping[str, str], *, secrets: bool) -> Loaded:
    """The budget file, destinations checked as far as that goes without sending anything."""
    loaded = load(path, environ, secrets=secrets)
    if secrets:
        check_destinations(loaded)
    return loaded


def connect_destination(config: DestinationConfig, world: World) -> Notifier | None:
    """The notifier of one destination, None for a type that this version cannot send to."""
    kind = kind_of(config)
    if kind is None:
        return None
    if isinstance(kind, SlackBotKind):
        kind = replace(kind, signing_secret=world.signing_secret)
    notifier = build_notifier(
        kind,
        world.clock,
        timezone=config.timezone,
        transport=world.transport,
        stream=world.stream or sys.stdout,
        threads=world.threads,
    )
    if config.template is None:
        return notifier
    return InOwnWords(notifier, Wording(config.template.title, config.template.body))


def connect_heartbeat(config: HeartbeatConfig | None, world: World) -> HeartbeatEntry | None:
    if config is None:
        return None
    pinger = Heartbeat(config.url.get_secret_value(), world.clock, transport=world.transport)
    return HeartbeatEntry(pinger, config.every_ms / 1000)


def connect_export(config: ExportConfig) -> Schedule:
    """What is written at its times; nothing is opened yet. ValueError for a target that cannot be meant."""
    place = place_of(config.to.get_secret_value())
    table = config.table or (ROWS_TABLE if config.rows else GROUPS_TABLE)
    return Schedule(
        config.cron, config.by, place.shown, partial(open_target, place, table=table), config.every, config.rows
    )


def connect_project(config: ProjectConfig, world: World, store: Store | None) -> ProjectEntry:
    """The way to one project. What an earlier run learned of its API saves the probe, which costs a metrics request."""
    host = base_url_of(config.base_url)
    known = store.known(host, config.name) if store is not None else None
    source = open_source(
        config.base_url,
        config.public_key,
        config.secret_key.get_secret_value(),
        clock=world.clock,
        remembered_api=known.api if known else "",
        transport=world.transport,
        on_request=partial(world.on_request, config.name),
        gate=world.gates.source(host, known.organisation_id if known else "") if world.gates else None,
    )
    return ProjectEntry(config.name, host, source)


def connect_prices(config: ProjectConfig, world: World, store: Store) -> PriceList:
    """The price list of one project, to look at and to add to."""
    host = base_url_of(config.base_url)
    known = store.known(host, config.name)
    return open_source(
        config.base_url,
        config.public_key,
        config.secret_key.get_secret_value(),
        clock=world.clock,
        remembered_api=known.api if known else "",
        transport=world.transport,
        on_request=partial(world.on_request, config.name),
        gate=world.gates.source(host, known.organisation_id if known else "") if world.gates else None,
    )


@dataclass(slots=True)
class Rulebook:
    """The budget file in force. A broken file never replaces good rules, not even over a restart.

    `fallback` holds what was wrong with the file when the last good text from the database stands in for it.
    """

    path: Path
    environ: Mapping[str, str]
    store: Store
    world: World
    loaded: Loaded
    fallback: ConfigError | None = None
    rights: Rights = field(default_factory=Everything)
    """Who has the lease `JUDGE` puts its file in force; the others follow what is in the database."""
    _seen: str = field(default="", repr=False)
    _in_force: bool = False
    _inputs: object = field(default=None, repr=False)
    """What was read last; None where it has to be read again in any case."""

    @classmethod
    def open(
        cls,
        path: Path,
        environ: Mapping[str, str],
        store: Store,
        world: World,
        *,
        strict: bool,
        rights: Rights | None = None,
    ) -> "Rulebook":
        """Read the file; where it is broken, the last good text, unless `strict`. ConfigError when neither works."""
        try:
            loaded = load_rules(path, environ, secrets=True)
        except ConfigError as error:
            stored = store.read(lambda unit: unit.rules())
            if strict or stored is None:
                raise
            try:
                name, text = stored.files[0]
                loaded = load_text(text, name, environ, secrets=True)
            except ConfigError:
                raise error from None
            return cls._with(path, environ, store, world, loaded, error, rights or Everything())
        return cls._with(path, environ, store, world, loaded, None, rights or Everything())

    @classmethod
    def _with(
        cls,
        path: Path,
        environ: Mapping[str, str],
        store: Store,
        world: World,
        loaded: Loaded,
        fallback: ConfigError | None,
        rights: Rights,
    ) -> "Rulebook":
        book = cls(path, environ, store, world, loaded, fallback, rights)
        if rights.fence(JUDGE) is None:
            book._follow()
        else:
            book._take(loaded, keep=fallback is None)
        return book

    @property
    def rules(self) -> RuleSet:
        return self.loaded.rules

    def parse(self, stored: StoredRules) -> RuleSet:
        """The rules of an earlier version of the file. ConfigError where it is not understood any more."""
        name, text = stored.files[0]
        return load_text(text, name, self.environ, secrets=False).rules

    def connect(self) -> Connections:
        projects = tuple(connect_project(config, self.world, self.store) for config in self.loaded.projects)
        notifiers = {
            config.name: notifier
            for config in self.loaded.destinations
            if (notifier := connect_destination(config, self.world)) is not None
        }
        heartbeat = connect_heartbeat(self.loaded.heartbeat, self.world)
        relays = {name: notifier for name, notifier in notifiers.items() if isinstance(notifier, Alertmanager)}
        exports = tuple(map(connect_export, self.loaded.exports))
        return Connections(projects, notifiers, self.mark(), relays, heartbeat, exports)

    def mark(self) -> object:
        return self._world_of(self.loaded)

    def reload(self) -> bool:
        """Read the file again. True when it changed; ConfigError, once for each broken text, when it is broken.

        Without the lease, the text that its holder put in force stands in the file's place."""
        if self.rights.fence(JUDGE) is None:
            self._in_force, self._inputs = False, None
            return self._follow()
        found = inputs(self.path, self.environ)
        if found is not None and found == self._inputs:
            return False
        try:
            loaded = load_rules(self.path, self.environ, secrets=True)
        except ConfigError as error:
            self._inputs = found
            if str(error) == self._seen:
                return False
            self._seen = str(error)
            self.fallback = error
            raise
        same = loaded.rules.revision == self.rules.revision and self._world_of(loaded) == self.mark()
        taken = not same or self.fallback is not None or not self._in_force
        if taken:
            self._take(loaded, keep=True)
            self.fallback, self._seen = None, ""
        self._inputs = found
        return taken

    async def changed(self) -> AsyncIterator[None]:
        """Whenever the file may have changed: on a sign from the file system (a ConfigMap's symlink swap included), and
        every second anyway, since network file systems give no sign."""
        from watchfiles import awatch  # noqa: PLC0415 - only the daemon needs it

        folder = self.path if self.path.is_dir() else self.path.parent
        watched = folder if folder.exists() else Path()
        async for _ in awatch(watched, rust_timeout=1000, yield_on_timeout=True, recursive=False):
            yield

    def _take(self, loaded: Loaded, *, keep: bool) -> None:
        """Put rules in force, first in the database: a full disk leaves the former ones, and it is tried again."""
        self.store.set_metric_labels(loaded.rules.metric_labels, loaded.rules.max_series)
        self.store.set_attribution(Resolver(loaded.rules.attribution).revision)
        if keep:
            text = StoredRules(((str(self.path), loaded.text),), self.world.clock.now_ms())
            self.store.keep_rules(text)
        self.loaded, self._in_force = loaded, True

    def _follow(self) -> bool:
        """Take the text that is in force in the database; one that cannot be read here changes nothing."""
        stored = self.store.read(lambda unit: unit.rules())
        if stored is None or (stored.files[0][1] == self.loaded.text and not self._seen):
            return False
        name, text = stored.files[0]
        try:
            self.loaded = load_text(text, name, self.environ, secrets=True)
        except ConfigError as error:
            if str(error) == self._seen:
                return False
            self._seen = str(error)
            self.fallback = error
            raise
        self.fallback, self._seen = None, ""
        return True

    @staticmethod
    def _world_of(loaded: Loaded) -> object:
        return (loaded.projects, loaded.destinations, loaded.heartbeat, loaded.exports)
