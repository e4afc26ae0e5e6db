"""What `fusewatch check` says of destinations beyond their shape: templates that fail, and messages left open."""

from pathlib import Path

import pytest

from fusewatch.bootstrap import check_destinations, connect_destination, load_rules
from fusewatch.checking import destination_warnings, template_problems
from fusewatch.cli.online import world
from fusewatch.config.rulefile import Loaded, load
from fusewatch.errors import ConfigError
from fusewatch.notify.inownwords import InOwnWords

KEYS = {"LANGFUSE_PUBLIC_KEY": "pk-lf-x", "LANGFUSE_SECRET_KEY": "sk-lf-x"}


def loaded(tmp_path: Path, destinations: str, **environ: str) -> Loaded:
    path = tmp_path / "budgets.yaml"
    path.write_text(f"version: 1\ndestinations:\n{destinations}\nbudgets: [{{name: cap, limit: $5, every: day}}]\n")
    return load(path, KEYS | environ, secrets=False)


def test_a_template_that_fails_on_a_sample_is_told_with_file_line_path_and_what_would_be_right(tmp_path: Path) -> None:
    found = template_problems(
        loaded(
            tmp_path,
            '  good: {type: console, template: {title: "{{ headline }}"}}\n'
            "  bad:\n    type: console\n    template:\n"
            '      title: "{{ headlin }}"\n      body: |\n        {{ headline }}\n        {{ hold.since }}\n',
        )
    )
    assert [(p.line, p.path) for p in found] == [
        (7, "destinations.bad.template.title"),
        (8, "destinations.bad.template.body"),
    ]
    assert str(found[0]).endswith("line 1 of the template: there is no `headlin`; did you mean `headline`?")
    assert "line 2 of the template: there is no `since` here" in found[1].what
    assert "digest" in found[1].what
    assert "summary" not in found[1].what


def test_a_daemon_refuses_a_file_whose_template_fails_as_it_refuses_any_broken_one(tmp_path: Path) -> None:
    path = tmp_path / "budgets.yaml"
    loaded(tmp_path, '  t: {type: console, template: {title: "{{ nothing }}"}}')
    with pytest.raises(ConfigError, match=r"destinations\.t\.template\.title: line 1 of the template"):
        load_rules(path, KEYS, secrets=True)


def test_a_destination_with_a_template_is_connected_with_its_words(tmp_path: Path) -> None:
    file = loaded(tmp_path, '  t: {type: console, template: {title: "{{ headline }}"}}\n  u: {type: console}')
    check_destinations(file)
    worded, plain = (connect_destination(config, world()) for config in file.destinations[:2])
    assert isinstance(worded, InOwnWords)
    assert not isinstance(plain, InOwnWords)


def test_a_template_moved_in_the_file_is_the_same_and_a_changed_one_is_another(tmp_path: Path) -> None:
    line = '  t: {type: console, template: {title: "{{ headline }}"}}'
    first, moved = loaded(tmp_path, line), loaded(tmp_path, f"\n\n{line}")
    assert first.destinations == moved.destinations
    assert first.destinations != loaded(tmp_path, line.replace("headline", "kind")).destinations


def test_a_variable_that_is_not_set_in_a_template_is_a_warning_and_no_mistake(tmp_path: Path) -> None:
    file = loaded(tmp_path, '  t: {type: console, template: {title: "${PREFIX} {{ headline }}"}}')
    assert template_problems(file) == []
    assert [w.path for w in file.warnings] == ["destinations.t.template.title"]
    set_now = loaded(tmp_path, '  t: {type: console, template: {title: "${PREFIX} {{ headline }}"}}', PREFIX="[a]")
    assert set_now.destinations[0].template is not None
    assert set_now.destinations[0].template.title == "[a] {{ headline }}"


def test_plain_http_abroad_and_unsigned_messages_are_warned_of_without_a_secret(tmp_path: Path) -> None:
    file = loaded(
        tmp_path,
        '  open: {type: webhook, url: "http://hooks.example.com/canary", secret: "abc"}\n'
        '  bare: {type: webhook, url: "https://hooks.example.com/canary"}\n'
        '  home: {type: webhook, url: "http://10.0.0.8/canary", secret: "abc"}\n'
        '  chat: {type: slack, webhook_url: "http://chat.example.com/canary"}\n'
        '  later: {type: webhook, url: "${HOOK_URL}", secret: "${HOOK_SECRET}"}',
    )
    found = [str(problem).replace(f"{tmp_path}/", "") for problem in destination_warnings(file)]
    assert found == [
        "budgets.yaml:3: destinations.open: messages to hooks.example.com travel as plain http, so that anybody on the"
        " way can read and change them; write https://, or reach it inside your own network",
        "budgets.yaml:4: destinations.bare: messages are not signed, so that the receiver cannot tell who sent them;"
        ' write secret: "${HOOK_SECRET}"',
        "budgets.yaml:6: destinations.chat: messages to chat.example.com travel as plain http, so that anybody on the"
        " way can read and change them; write https://, or reach it inside your own network",
    ]


def test_a_destination_of_the_environment_is_warned_of_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "budgets.yaml"
    path.write_text("version: 1\nbudgets: [{name: cap, limit: $5, every: day}]\n")
    file = load(path, KEYS | {"SLACK_WEBHOOK_URL": "http://chat.example.com/canary"}, secrets=False)
    (warning,) = destination_warnings(file)
    assert str(warning).startswith("environment: slack: messages to chat.example.com travel as plain http")
    assert "canary" not in str(warning)
