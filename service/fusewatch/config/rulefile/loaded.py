"""What a budget file gives to the rest: the rules, and typed configurations of projects and destinations."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, TypeAlias

from pydantic import SecretStr

from fusewatch.config.rulefile.yamltree import Place
from fusewatch.domain.cron import Cron
from fusewatch.domain.periods import Every
from fusewatch.domain.quiet import QuietHours
from fusewatch.domain.rules import RuleSet, Severity
from fusewatch.errors import Problem


@dataclass(frozen=True, slots=True)
class ProjectConfig:
    """A Langfuse project and the key pair that reads it. `organisation` is "" where the file does not say."""

    name: str
    base_url: str
    public_key: str
    secret_key: SecretStr
    organisation: str = ""


@dataclass(frozen=True, slots=True)
class HeartbeatConfig:
    """`url` may hold a token, so it is a secret; it is asked at most once in `every_ms`."""

    url: SecretStr
    every_ms: int


@dataclass(frozen=True, slots=True)
class TemplateConfig:
    """A destination's own words as they stand in the file, and where each part of them stands."""

    title: str | None
    body: str | None
    places: tuple[tuple[str, Place], ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class ExportConfig:
    """What is written where, and when. `to` may hold a password, so it is a secret; `every` None is no split by
    periods, with `rows` single generations are written in place of sums; `table` "" is the usual one."""

    cron: Cron
    by: tuple[str, ...]
    to: SecretStr
    every: Every | None = None
    rows: bool = False
    table: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationBase:
    """What every destination has. `urgent` are the severities that do not wait for the end of
    `quiet_hours`."""

    type: ClassVar[str]
    relays: ClassVar[bool] = False
    """Whether what receives it groups, repeats and keeps quiet by itself."""

    @property
    def follows(self) -> bool:
        """Whether what it received stays in sight and can change."""
        return False

    name: str
    least: Severity = Severity.WARNING
    timezone: str = "UTC"
    quiet_hours: QuietHours | None = None
    urgent: tuple[Severity, ...] = ()
    template: TemplateConfig | None = None
    place: Place | None = field(default=None, compare=False)
    """Where it stands in the file; None for one that the environment makes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackConfig(DestinationBase):
    """Either `channel` and `token`, or `webhook_url`."""

    type: ClassVar[str] = "slack"

    channel: str = ""
    token: SecretStr | None = None
    webhook_url: SecretStr | None = None

    @property
    def follows(self) -> bool:
        return bool(self.channel)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookConfig(DestinationBase):
    """`url` may hold a token, so it is a secret too. Without `secrets` requests go out unsigned."""

    type: ClassVar[str] = "webhook"

    url: SecretStr
    secrets: tuple[SecretStr, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleConfig(DestinationBase):
    type: ClassVar[str] = "console"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertmanagerConfig(DestinationBase):
    """`url` may hold a user and a password, so it is a secret."""

    type: ClassVar[str] = "alertmanager"
    relays: ClassVar[bool] = True

    url: SecretStr
    token: SecretStr | None = None

    @property
    def follows(self) -> bool:
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class PagerdutyConfig(DestinationBase):
    """`url` is "" for the Events API of the `region`."""

    type: ClassVar[str] = "pagerduty"

    routing_key: SecretStr
    region: str = "us"
    url: str = ""

    @property
    def follows(self) -> bool:
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailConfig(DestinationBase):
    """`sender` is "" where the file names none."""

    type: ClassVar[str] = "email"

    to: tuple[str, ...]
    smtp: SecretStr
    sender: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppriseConfig(DestinationBase):
    type: ClassVar[str] = "apprise"

    url: SecretStr


DestinationConfig: TypeAlias = (
    SlackConfig | WebhookConfig | ConsoleConfig | AlertmanagerConfig | PagerdutyConfig | EmailConfig | AppriseConfig
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """One budget file, read.

    `warnings` is what keeps it from running (variables that are not set), told by a check without secrets only. `text`
    is the source with nothing filled in, so that it can be stored and loaded again; `files` is empty for a stored text.
    """

    rules: RuleSet
    projects: tuple[ProjectConfig, ...]
    destinations: tuple[DestinationConfig, ...]
    warnings: tuple[Problem, ...]
    text: str = field(repr=False)
    files: tuple[Path, ...] = ()
    heartbeat: HeartbeatConfig | None = None
    exports: tuple[ExportConfig, ...] = ()
