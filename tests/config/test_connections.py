"""What the environment adds to a budget file: destinations, keys, and the values of `${NAME}`."""

from pathlib import Path

import pytest

from fusewatch.config.rulefile import SlackConfig, WebhookConfig
from fusewatch.domain.rules import (
    Matcher,
)
from fusewatch.errors import ConfigError
from tests.config.reading import KEYS, read


def test_a_destination_of_the_file_may_take_the_name_slack_and_is_then_the_default() -> None:
    loaded = read("destinations:\n  slack: {type: webhook, url: https://example.com/x}\n")
    assert [d.type for d in loaded.destinations] == ["webhook"]
    assert loaded.rules.notify == ("slack",)


def test_a_slack_channel_takes_the_bot_token_of_the_environment() -> None:
    loaded = read(
        'destinations:\n  x: {type: slack, channel: "#x"}\n', {**KEYS, "SLACK_BOT_TOKEN": "xoxb-2"}, secrets=True
    )
    (slack, _) = loaded.destinations
    assert isinstance(slack, SlackConfig)
    assert slack.token is not None
    assert slack.token.get_secret_value() == "xoxb-2"


def test_a_slack_channel_without_any_token_cannot_run() -> None:
    with pytest.raises(ConfigError, match=r'SLACK_BOT_TOKEN: is not set, but the Slack channel of "x" needs it'):
        read('destinations:\n  x: {type: slack, channel: "#x"}\n', KEYS, secrets=True)


def test_naming_slack_without_its_variable_is_a_warning_in_a_check_and_an_error_in_a_run() -> None:
    text = "budgets:\n  - {name: a, limit: $5, every: day, notify: [slack]}\n"
    (warning,) = [problem for problem in read(text, KEYS).warnings if problem.line]
    assert str(warning).startswith(
        'budgets.yaml:3: budgets[0].notify[0]: the destination "slack" needs SLACK_WEBHOOK_URL'
    )
    with pytest.raises(ConfigError, match="needs SLACK_WEBHOOK_URL"):
        read(text, KEYS, secrets=True)


def test_a_run_without_keys_is_told_what_to_set_in_one_message() -> None:
    with pytest.raises(ConfigError) as caught:
        read("budgets: []\n", {"LANGFUSE_PUBLIC_KEY": "pk"}, secrets=True)
    assert str(caught.value) == (
        "environment: LANGFUSE_SECRET_KEY is not set, so there is no project to read; "
        "set it to the key of a Langfuse project, or write `projects:` into the budget file"
    )


def test_langfuse_host_is_read_where_langfuse_base_url_is_not_set() -> None:
    loaded = read("", {**KEYS, "LANGFUSE_HOST": "http://langfuse.internal:3000/"}, secrets=True)
    assert loaded.projects[0].base_url == "http://langfuse.internal:3000"


# ---------------------------------------------------------------- ${NAME}


def test_a_variable_is_filled_in_from_the_file_that_its_name_file_names(tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("sk-from-file\n")
    text = 'projects: [{name: shop, public_key: pk, secret_key: "${SHOP_SK}"}]\n'
    loaded = read(text, {"SHOP_SK_FILE": str(secret)}, secrets=True)
    assert loaded.projects[0].secret_key.get_secret_value() == "sk-from-file"


def test_a_value_with_the_signs_of_yaml_breaks_nothing() -> None:
    text = 'destinations: {x: {type: webhook, url: "https://example.com/${PATH_PART}?a=b"}}\n'
    loaded = read(text, {**KEYS, "PATH_PART": 'a":{[#*&!|'}, secrets=True)
    (hook, _) = loaded.destinations
    assert isinstance(hook, WebhookConfig)
    assert hook.url.get_secret_value() == 'https://example.com/a":{[#*&!|?a=b'


def test_a_doubled_dollar_is_a_literal_and_is_not_filled_in() -> None:
    text = 'budgets: [{name: a, limit: $5, every: day, where: {feature: "$${X} $X"}}]\n'
    loaded = read(text, {"X": "filled"})
    assert loaded.rules.budgets[0].scope.where == (Matcher("feature", ("${X} $X",)),)


def test_what_was_filled_in_is_not_filled_again() -> None:
    text = 'budgets: [{name: a, limit: $5, every: day, where: {feature: "${X}"}}]\n'
    loaded = read(text, {"X": "${Y}", "Y": "filled"})
    assert loaded.rules.budgets[0].scope.where == (Matcher("feature", ("${Y}",)),)


def test_an_empty_variable_counts_as_not_set() -> None:
    with pytest.raises(ConfigError, match=r"budgets.yaml:2: .*: SHOP_SK is not set; set SHOP_SK or SHOP_SK_FILE"):
        read('projects: [{name: a, public_key: pk, secret_key: "${SHOP_SK}"}]\n', {"SHOP_SK": " "}, secrets=True)


def test_variables_that_are_not_set_are_told_together_with_all_other_mistakes_of_a_run() -> None:
    with pytest.raises(ConfigError) as caught:
        read('timezone: Nowhere\nprojects: [{name: a, public_key: "${A}", secret_key: "${B}"}]\n', secrets=True)
    assert [problem.line for problem in caught.value.problems] == [2, 3, 3]


def test_a_check_does_not_judge_what_it_cannot_know() -> None:
    loaded = read(
        "budgets:\n"
        "  - name: a\n"
        '    limit: "${LIMIT}"\n'
        "    every: day\n"
        '    each: [feature, "${DIMENSION}"]\n'
        '    thresholds: ["${SHARE}", 50%, "${SHARE}", 100%]\n'
        '    overrides: [{team: x, limit: "${LIMIT}"}, {feature: x, limit: 5 tokens}]\n'
        "spikes:\n"
        '  - {name: b, factor: "${FACTOR}", of: tokens, floor: "${FLOOR}", baseline: {days: "${DAYS}", at_least: 9}}\n',
        KEYS,
    )
    assert len(loaded.warnings) == 8
