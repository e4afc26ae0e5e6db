"""What the environment says: every variable of the daemon, each secret also as NAME_FILE, all problems at once."""

from collections.abc import Mapping
from typing import Annotated, TypeAlias

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from fusewatch.config import words
from fusewatch.config.environment import PLACE, Environment
from fusewatch.config.fields import Text
from fusewatch.config.words import Listen, Wrong, listen_is_loopback, parse_duration
from fusewatch.errors import ConfigError, Problem

__all__ = ["Listen", "Settings", "listen_is_loopback", "load_settings", "parse_duration"]

_SECRETS = frozenset(
    {
        "LANGFUSE_PUBLIC_KEY",
        "LANGFUSE_SECRET_KEY",
        "FUSEWATCH_DATABASE_URL",
        "FUSEWATCH_READ_TOKEN",
        "FUSEWATCH_WEB_TOKEN",
        "SLACK_WEBHOOK_URL",
        "SLACK_BOT_TOKEN",
        "SLACK_SIGNING_SECRET",
    }
)
"""These may also come from NAME_FILE. A database URL holds a password."""

_OPTIONS = {"database_url": "--database"}
"""Command-line options whose name is not that of their field."""

_STRING: dict[str, object] = {"type": "string"}
_SHORTEST_POLL_MS = 1000
_LONGEST_POLL_MS = words.HOUR_MS


def _database_url(text: str) -> str:
    if not text.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")) or not text.isprintable():
        raise Wrong(
            "this is no database address", "write sqlite:///fusewatch.db or postgresql://user:password@host/name"
        )
    return text


def _poll_interval(text: str) -> int:
    interval_ms = parse_duration(text)
    if not _SHORTEST_POLL_MS <= interval_ms <= _LONGEST_POLL_MS:
        raise Wrong("{} is not between 1s and 1h", "60s is usual")
    return interval_ms


def _config_path(text: str) -> str:
    if "\0" in text:
        raise Wrong("this is not a path")
    return text


Address: TypeAlias = Annotated[str, Text(words.parse_web_address, _STRING)]
Secret: TypeAlias = Annotated[SecretStr, Text(words.parse_secret, _STRING, secret=True)]
SecretAddress: TypeAlias = Annotated[SecretStr, Text(words.parse_web_address, _STRING, secret=True)]


class Settings(BaseSettings):
    """The environment, read once by `load_settings`; no value is taken from the process by itself.

    `langfuse_base_url` is None when neither LANGFUSE_BASE_URL nor LANGFUSE_HOST is set. `poll_interval` is in
    milliseconds.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", validate_default=False, hide_input_in_errors=True)

    langfuse_public_key: Secret | None = None
    langfuse_secret_key: Secret | None = None
    langfuse_base_url: Address | None = None
    config: Annotated[str, Text(_config_path, _STRING)] = "config/budgets.yaml"
    database_url: Annotated[SecretStr, Text(_database_url, _STRING, secret=True)] = SecretStr("sqlite:///fusewatch.db")
    listen: Annotated[Listen, Text(words.parse_listen, _STRING)] = Listen("127.0.0.1", 9469)
    read_token: Secret | None = None
    web_token: Secret | None = None
    public_url: Address | None = None
    poll_interval: Annotated[int, Text(_poll_interval, _STRING)] = 60_000
    log_format: Annotated[str, Text(lambda t: words.parse_choice(t, ("console", "json")), _STRING)] = "console"
    slack_webhook_url: SecretAddress | None = None
    slack_bot_token: Secret | None = None
    slack_signing_secret: Secret | None = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load_settings` hands in: the process environment is read in one place, and tests need none."""
        return (init_settings,)


class _Variables(PydanticBaseSettingsSource):
    """Variables from a mapping, under the names that operators know; secrets also from the files that they name."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        super().__init__(Settings)
        self._variables = variables
        self.environment = Environment(variables)
        self.problems: list[Problem] = []

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[str | None, str, bool]:
        name = variable_of(field_name)
        if name in _SECRETS:
            return self.environment.get(name), field_name, False
        if name == "LANGFUSE_BASE_URL":
            return self._base_url(), field_name, False
        return self._variables.get(name, "").strip() or None, field_name, False

    def __call__(self) -> dict[str, str]:
        found = {name: self.get_field_value(field, name)[0] for name, field in Settings.model_fields.items()}
        return {name: value for name, value in found.items() if value is not None}

    def _base_url(self) -> str | None:
        new, old = (self._variables.get(name, "").strip() for name in ("LANGFUSE_BASE_URL", "LANGFUSE_HOST"))
        if new and old and new.rstrip("/") != old.rstrip("/"):
            what = "LANGFUSE_BASE_URL and LANGFUSE_HOST name different servers"
            self.problems.append(Problem(PLACE, 0, "LANGFUSE_HOST", what, "set one of them"))
        return new or old or None


def variable_of(field: str) -> str:
    """The variable of a field: `listen` is FUSEWATCH_LISTEN, `slack_bot_token` is SLACK_BOT_TOKEN."""
    return field.upper() if field.startswith(("langfuse_", "slack_")) else f"FUSEWATCH_{field.upper()}"


def load_settings(environ: Mapping[str, str], **overrides: str | None) -> Settings:
    """The settings of an environment. An override, from a command-line option, wins unless it is None.

    An empty variable counts as not set. Raises ConfigError with every problem; no message holds a secret.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    if unknown := given.keys() - Settings.model_fields.keys():
        raise TypeError(f"no setting is called {', '.join(sorted(unknown))}")
    variables = _Variables({name: value for name, value in environ.items() if not _overridden(name, given)})
    values = {**variables(), **given}
    problems = [*variables.problems, *variables.environment.problems]
    settings = None
    try:
        settings = Settings(**values)  # type: ignore[arg-type]  # texts, which the fields' own readers turn into values
    except ValidationError as error:
        problems += [
            _problem(str(d["loc"][0]), d.get("ctx", {}), given)
            for d in error.errors(include_url=False, include_input=False)
        ]
    if problems or settings is None:
        raise ConfigError(problems)
    return settings


def _overridden(variable: str, given: Mapping[str, str]) -> bool:
    return any(variable in (variable_of(field), f"{variable_of(field)}_FILE") for field in given)


def _problem(field: str, context: Mapping[str, object], given: Mapping[str, str]) -> Problem:
    option = _OPTIONS.get(field, f"--{field.replace('_', '-')}")
    what, right = str(context.get("what", "cannot be read")), str(context.get("right", ""))
    if field in given:
        return Problem("command line", 0, option, what, right)
    return Problem(PLACE, 0, variable_of(field), what, right)
