"""Models → configurations of projects and destinations, with the defaults that the environment gives."""

from collections.abc import Callable, Mapping
from typing import TypedDict, assert_never

from pydantic import SecretStr

from fusewatch.config.environment import PLACE, Environment
from fusewatch.config.rulefile import destinations as parts
from fusewatch.config.rulefile.loaded import (
    AlertmanagerConfig,
    AppriseConfig,
    ConsoleConfig,
    DestinationConfig,
    EmailConfig,
    ExportConfig,
    HeartbeatConfig,
    PagerdutyConfig,
    ProjectConfig,
    SlackConfig,
    TemplateConfig,
    WebhookConfig,
)
from fusewatch.config.rulefile.models import BudgetFile
from fusewatch.config.rulefile.yamltree import Path, Place
from fusewatch.config.words import Wrong, parse_secret, parse_web_address, shown
from fusewatch.domain.periods import Every
from fusewatch.domain.quiet import QuietHours
from fusewatch.domain.rules import Severity
from fusewatch.errors import Problem

LANGFUSE_CLOUD = "https://cloud.langfuse.com"
DEFAULT_PROJECT = "langfuse"
"""The name of the project that the environment's keys read."""


class _Common(TypedDict):
    name: str
    least: Severity
    timezone: str
    quiet_hours: QuietHours | None
    urgent: tuple[Severity, ...]
    template: TemplateConfig | None
    place: Place | None


class Connections:
    """Reads what the environment adds; `problems` are variables that are not set or cannot be meant."""

    def __init__(
        self,
        file: BudgetFile,
        environment: Environment,
        mentioned: Mapping[str, Place],
        place: Callable[[Path], Place],
    ) -> None:
        self._file = file
        self._environment = environment
        self._mentioned = mentioned
        self._place = place
        self._zone = file.timezone or "UTC"
        self.problems: list[Problem] = []

    def projects(self) -> tuple[ProjectConfig, ...]:
        """Those of the file, else the one of the environment, none if its keys are missing."""
        if self._file.projects:
            return tuple(
                ProjectConfig(p.name, p.base_url, p.public_key.get_secret_value(), p.secret_key, p.organisation or "")
                for p in self._file.projects
            )
        public, secret = (self._key(name) for name in ("LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY"))
        base_url = self._address("LANGFUSE_BASE_URL") or self._address("LANGFUSE_HOST") or LANGFUSE_CLOUD
        if public and secret:
            return (ProjectConfig(DEFAULT_PROJECT, base_url, public, SecretStr(secret)),)
        if not self.problems:
            absent = [
                name for name, key in (("LANGFUSE_PUBLIC_KEY", public), ("LANGFUSE_SECRET_KEY", secret)) if not key
            ]
            what = (
                f"{' and '.join(absent)} {'are' if len(absent) > 1 else 'is'} not set, so there is no project to read"
            )
            them = "them to the keys" if len(absent) > 1 else "it to the key"
            right = f"set {them} of a Langfuse project, or write `projects:` into the budget file"
            self.problems.append(Problem(PLACE, 0, "", what, right))
        return ()

    def destinations(self) -> tuple[DestinationConfig, ...]:
        """Those of the file; `slack` where its variable is set; `terminal` where it is named or nothing else is there.

        The file may take both names for destinations of its own.
        """
        configs = {name: self._destination(name, part) for name, part in self._file.destinations.items()}
        if "slack" not in configs and (address := self._address("SLACK_WEBHOOK_URL")):
            configs["slack"] = SlackConfig(webhook_url=SecretStr(address), **self._common("slack"))
        if "slack" not in configs and (place := self._mentioned.get("slack")):
            self.problems.append(
                place.problem(
                    'the destination "slack" needs SLACK_WEBHOOK_URL, which is not set',
                    "set it, or write the destination into the budget file",
                )
            )
        if "terminal" not in configs and ("terminal" in self._mentioned or "slack" not in configs):
            configs["terminal"] = ConsoleConfig(**self._common("terminal"))
        return tuple(configs.values())

    def _destination(self, name: str, part: parts.DestinationUnion) -> DestinationConfig:
        common = self._common(name, part)
        config: DestinationConfig = ConsoleConfig(**common)
        match part:
            case parts.SlackPart():
                token = self._bot_token(name) if part.channel and part.token is None else part.token
                config = SlackConfig(channel=part.channel or "", token=token, webhook_url=part.webhook_url, **common)
            case parts.WebhookPart():
                secrets = part.secrets or (() if part.secret is None else (part.secret,))
                config = WebhookConfig(url=part.url, secrets=secrets, **common)
            case parts.AlertmanagerPart():
                config = AlertmanagerConfig(url=part.url, token=part.token, **common)
            case parts.PagerdutyPart():
                config = PagerdutyConfig(
                    routing_key=part.routing_key, region=part.region or "us", url=part.url or "", **common
                )
            case parts.EmailPart():
                config = EmailConfig(to=part.to, smtp=part.smtp, sender=part.sender or "", **common)
            case parts.ApprisePart():
                config = AppriseConfig(url=part.url, **common)
            case parts.ConsolePart():
                pass
            case _:
                assert_never(part)
        return config

    def heartbeat(self) -> HeartbeatConfig | None:
        part = self._file.heartbeat
        return None if part is None else HeartbeatConfig(part.url, part.every)

    def exports(self) -> tuple[ExportConfig, ...]:
        return tuple(
            ExportConfig(
                part.cron, part.by, part.to, Every(part.per) if part.per else None, part.rows, part.table or ""
            )
            for part in self._file.exports
        )

    def _common(self, name: str, part: parts.DestinationPart | None = None) -> _Common:
        """What every destination has; the file's quiet hours, in its own zone, where it has none."""
        zone = (part.timezone if part else None) or self._zone
        quiet = (part.quiet_hours if part else None) or self._file.quiet_hours
        # Equal times stand there only where a variable is not set.
        counts = quiet is not None and quiet.from_ != quiet.to
        return _Common(
            name=name,
            least=part.from_ if part else Severity.WARNING,
            timezone=zone,
            quiet_hours=QuietHours(quiet.from_, quiet.to, zone) if quiet and counts else None,
            urgent=quiet.except_ if quiet else (),
            template=self._template(name, part.template) if isinstance(part, parts.WordedPart) else None,
            place=self._place(("destinations", name)) if part else None,
        )

    def _template(self, name: str, part: parts.TemplatePart | None) -> TemplateConfig | None:
        if part is None:
            return None
        places = ((key, self._place(("destinations", name, "template", key))) for key in ("title", "body"))
        return TemplateConfig(part.title, part.body, tuple(places))

    def _bot_token(self, destination: str) -> SecretStr | None:
        token = self._key("SLACK_BOT_TOKEN")
        if token is None and not any(p.path == "SLACK_BOT_TOKEN" for p in self.problems):
            what = f"is not set, but the Slack channel of {shown(destination)} needs it"
            self._complain("SLACK_BOT_TOKEN", what, "set it, or write a token into the destination")
        return None if token is None else SecretStr(token)

    def _key(self, name: str) -> str | None:
        return self._read(name, parse_secret)

    def _address(self, name: str) -> str | None:
        return self._read(name, parse_web_address)

    def _read(self, name: str, parse: Callable[[str], str]) -> str | None:
        value = self._environment.get(name)
        try:
            return None if value is None else parse(value)
        except Wrong as wrong:
            self._complain(name, wrong.what, wrong.right)
            return None

    def _complain(self, name: str, what: str, right: str) -> None:
        self.problems.append(Problem(PLACE, 0, name, what, right))
