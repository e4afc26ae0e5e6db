"""The environment: every variable, each secret from its file too, all problems at once, no value of a secret told."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from fusewatch.config.settings import Listen, Settings, listen_is_loopback, load_settings, parse_duration, variable_of
from fusewatch.config.words import parse_listen
from fusewatch.errors import ConfigError

SECRETS = [
    "LANGFUSE_PUBLIC_KEY",
    "LANGFUSE_SECRET_KEY",
    "FUSEWATCH_DATABASE_URL",
    "FUSEWATCH_READ_TOKEN",
    "FUSEWATCH_WEB_TOKEN",
    "SLACK_WEBHOOK_URL",
    "SLACK_BOT_TOKEN",
    "SLACK_SIGNING_SECRET",
]


def told(environ: dict[str, str], **overrides: str | None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_settings(environ, **overrides)
    return [str(problem) for problem in caught.value.problems]


def revealed(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def test_nothing_set_gives_the_defaults() -> None:
    settings = load_settings({})
    assert settings.config == "config/budgets.yaml"
    assert revealed(settings.database_url) == "sqlite:///fusewatch.db"
    assert settings.listen == Listen("127.0.0.1", 9469)
    assert settings.poll_interval == 60_000
    assert settings.log_format == "console"
    assert settings.langfuse_base_url is None
    assert revealed(settings.langfuse_secret_key) is None


def test_nothing_is_read_from_the_process_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSEWATCH_LOG_FORMAT", "json")
    monkeypatch.setenv("LOG_FORMAT", "json")
    assert load_settings({}).log_format == "console"


def test_every_variable_is_read() -> None:
    settings = load_settings(
        {
            "LANGFUSE_PUBLIC_KEY": "pk-lf-1",
            "LANGFUSE_SECRET_KEY": "sk-lf-1",
            "LANGFUSE_BASE_URL": "https://langfuse.example.com/",
            "FUSEWATCH_CONFIG": "/etc/fusewatch",
            "FUSEWATCH_DATABASE_URL": "postgresql://u:p@db/fusewatch",
            "FUSEWATCH_LISTEN": "[::]:80",
            "FUSEWATCH_READ_TOKEN": "read",
            "FUSEWATCH_WEB_TOKEN": "write",
            "FUSEWATCH_PUBLIC_URL": "https://fusewatch.example.com/spend/",
            "FUSEWATCH_POLL_INTERVAL": "5m",
            "FUSEWATCH_LOG_FORMAT": "json",
            "SLACK_WEBHOOK_URL": "https://hooks.example.com/x",
            "SLACK_BOT_TOKEN": "xoxb-1",
            "SLACK_SIGNING_SECRET": "signing",
            "SOMETHING_ELSE": "is none of ours",
        }
    )
    assert revealed(settings.langfuse_public_key) == "pk-lf-1"
    assert settings.langfuse_base_url == "https://langfuse.example.com"
    assert settings.config == "/etc/fusewatch"
    assert revealed(settings.database_url) == "postgresql://u:p@db/fusewatch"
    assert settings.listen == Listen("::", 80)
    assert revealed(settings.read_token) == "read"
    assert revealed(settings.web_token) == "write"
    assert settings.public_url == "https://fusewatch.example.com/spend"
    assert settings.poll_interval == 300_000
    assert settings.log_format == "json"
    assert revealed(settings.slack_signing_secret) == "signing"


def test_langfuse_host_is_another_name_of_langfuse_base_url() -> None:
    assert load_settings({"LANGFUSE_HOST": "http://localhost:3000"}).langfuse_base_url == "http://localhost:3000"
    same = {"LANGFUSE_HOST": "http://localhost:3000/", "LANGFUSE_BASE_URL": "http://localhost:3000"}
    assert load_settings(same).langfuse_base_url == "http://localhost:3000"
    assert told({**same, "LANGFUSE_HOST": "http://other"}) == [
        "environment: LANGFUSE_HOST: LANGFUSE_BASE_URL and LANGFUSE_HOST name different servers; set one of them"
    ]


@pytest.mark.parametrize("name", SECRETS)
def test_every_secret_may_come_from_the_file_that_its_name_file_names(name: str, tmp_path: Path) -> None:
    value = "https://hooks.example.com/canary" if name.endswith("URL") else "canary"
    value = "postgresql://canary@db/x" if name == "FUSEWATCH_DATABASE_URL" else value
    path = tmp_path / "secret"
    path.write_text(f"  {value}\n\n")
    settings = load_settings({f"{name}_FILE": str(path)})
    (field,) = [field for field in Settings.model_fields if variable_of(field) == name]
    assert revealed(getattr(settings, field)) == value
    assert "canary" not in repr(settings) + str(settings)


def test_a_variable_set_together_with_its_file_is_told() -> None:
    assert told({"SLACK_BOT_TOKEN": "a", "SLACK_BOT_TOKEN_FILE": "b"}) == [
        "environment: SLACK_BOT_TOKEN: is set, and SLACK_BOT_TOKEN_FILE too; set one of them"
    ]


def test_a_file_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "large").write_text("x" * 100_000)
    problems = told(
        {
            "LANGFUSE_PUBLIC_KEY_FILE": str(tmp_path / "missing"),
            "LANGFUSE_SECRET_KEY_FILE": str(tmp_path),
            "SLACK_BOT_TOKEN_FILE": str(tmp_path / "empty"),
            "SLACK_SIGNING_SECRET_FILE": str(tmp_path / "binary"),
            "SLACK_WEBHOOK_URL_FILE": str(tmp_path / "large"),
            "FUSEWATCH_WEB_TOKEN_FILE": "a\0b",
        }
    )
    assert [problem.split("; ")[0].removeprefix("environment: ") for problem in problems] == [
        "FUSEWATCH_WEB_TOKEN_FILE: names a file that cannot be read (not a path)",
        "LANGFUSE_PUBLIC_KEY_FILE: names a file that cannot be read (No such file or directory)",
        "LANGFUSE_SECRET_KEY_FILE: names a file that cannot be read (Is a directory)",
        "SLACK_BOT_TOKEN_FILE: names a file that is empty",
        "SLACK_SIGNING_SECRET_FILE: names a file that is not UTF-8 text",
        "SLACK_WEBHOOK_URL_FILE: names a file that is too large",
    ]


def test_every_mistake_is_told_at_once_and_no_secret_with_it() -> None:
    problems = told(
        {
            "FUSEWATCH_LISTEN": "localhost",
            "FUSEWATCH_POLL_INTERVAL": "60",
            "FUSEWATCH_LOG_FORMAT": "jsn",
            "FUSEWATCH_PUBLIC_URL": "fusewatch.example.com",
            "FUSEWATCH_DATABASE_URL": "mysql://canary@db",
            "LANGFUSE_BASE_URL": "cloud.langfuse.com",
            "LANGFUSE_SECRET_KEY": "canary with space",
            "SLACK_WEBHOOK_URL": "hooks.example.com/canary",
        }
    )
    assert problems == [
        "environment: FUSEWATCH_DATABASE_URL: this is no database address; "
        "write sqlite:///fusewatch.db or postgresql://user:password@host/name",
        'environment: FUSEWATCH_LISTEN: "localhost" is not an address to listen on; '
        "write host:port, such as 127.0.0.1:9469",
        'environment: FUSEWATCH_LOG_FORMAT: "jsn" is not known here; did you mean "json"?',
        'environment: FUSEWATCH_POLL_INTERVAL: "60" is not a duration; write a duration such as 90s, 15m, 24h or 7d',
        "environment: FUSEWATCH_PUBLIC_URL: this is not an http or https address; "
        "write an address such as https://example.com/path",
        "environment: LANGFUSE_BASE_URL: this is not an http or https address; "
        "write an address such as https://example.com/path",
        "environment: LANGFUSE_SECRET_KEY: this holds a space, a line break or another character that no key has",
        "environment: SLACK_WEBHOOK_URL: this is not an http or https address; "
        "write an address such as https://example.com/path",
    ]


def test_a_poll_interval_is_between_a_second_and_an_hour() -> None:
    assert load_settings({"FUSEWATCH_POLL_INTERVAL": "1s"}).poll_interval == 1000
    assert load_settings({"FUSEWATCH_POLL_INTERVAL": "1h"}).poll_interval == 3_600_000
    assert told({"FUSEWATCH_POLL_INTERVAL": "1d"}) == [
        'environment: FUSEWATCH_POLL_INTERVAL: "1d" is not between 1s and 1h; 60s is usual'
    ]


def test_an_option_of_the_command_line_wins_and_is_named_in_its_mistakes() -> None:
    environ = {
        "FUSEWATCH_CONFIG": "a.yaml",
        "FUSEWATCH_DATABASE_URL": "nonsense",
        "FUSEWATCH_DATABASE_URL_FILE": "both",
    }
    settings = load_settings(environ, config="b.yaml", database_url="sqlite:///b.db", listen=None)
    assert settings.config == "b.yaml"
    assert revealed(settings.database_url) == "sqlite:///b.db"
    assert told({}, database_url="b.db", poll_interval="soon") == [
        "command line: --database: this is no database address; "
        "write sqlite:///fusewatch.db or postgresql://user:password@host/name",
        'command line: --poll-interval: "soon" is not a duration; write a duration such as 90s, 15m, 24h or 7d',
    ]


def test_an_override_that_is_no_setting_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(TypeError, match="no setting is called databse"):
        load_settings({}, databse="x")


@pytest.mark.parametrize(
    ("text", "duration_ms"),
    [("90s", 90_000), ("15m", 900_000), ("24h", 86_400_000), ("7d", 604_800_000), ("3y", 94_608_000_000)],
)
def test_durations_are_written_with_their_unit(text: str, duration_ms: int) -> None:
    assert parse_duration(text) == duration_ms


@pytest.mark.parametrize("text", ["", "90", "1.5h", "-1m", "0s", "11y", "1 h", "1H", "1ms", "٣s"])
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|between"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "loopback"),
    [
        ("127.0.0.1:9469", True),
        ("127.8.0.1:1", True),
        ("[::1]:9469", True),
        ("localhost:0", True),
        ("0.0.0.0:9469", False),
        ("[::]:9469", False),
        ("10.0.0.1:9469", False),
        ("fusewatch.internal:9469", False),
    ],
)
def test_a_listen_address_is_loopback_only_when_no_other_machine_can_reach_it(text: str, loopback: bool) -> None:
    listen = parse_listen(text)
    assert listen_is_loopback(listen) is loopback
    assert str(listen) == text


@pytest.mark.parametrize("text", ["9469", ":9469", "::1:9469", "[localhost]:1", "a b:1", "host:65536", "host:-1", "h:"])
def test_anything_else_is_no_address_to_listen_on(text: str) -> None:
    assert told({"FUSEWATCH_LISTEN": text})
