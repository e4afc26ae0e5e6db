"""The rules for Prometheus: they are valid, fire when they should, ask for what exists, and lead to a runbook."""

import re
import shutil
import subprocess

import pytest

from tests.operations.shipped import PROMETHEUS, ROOT, RULE_FILES, alerts, document, exposed, metrics_of, rules

STORIES = tuple(sorted((PROMETHEUS / "tests").glob("*.test.yml")))


def promtool(*arguments: object) -> str:
    """What promtool says of good files; it must find nothing wrong."""
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    done = subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, timeout=100, check=False, cwd=PROMETHEUS
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_promtool_finds_the_example_and_every_rule_right() -> None:
    promtool("check", "config", PROMETHEUS / "prometheus.yml")
    promtool("check", "rules", "--lint=all", "--lint-fatal", *RULE_FILES)


@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.name)
def test_the_stories_of_the_rules_come_true(story: object) -> None:
    assert "SUCCESS" in promtool("test", "rules", story)


def test_every_rule_has_a_story() -> None:
    told = "".join(path.read_text(encoding="utf-8") for path in STORIES)
    missing = [rule.get("alert") or rule["record"] for _, rule in rules()]
    assert [name for name in missing if name not in told] == []
    assert len(missing) == len(set(missing)), "two rules have one name"


def test_rules_ask_only_for_metrics_that_exist() -> None:
    asked = {name: metrics_of(str(rule["expr"])) for _, rule in rules() for name in [str(rule)]}
    assert {name: unknown for name, found in asked.items() if (unknown := found - exposed())} == {}
    assert sum(map(bool, asked.values())) >= len(asked) - 2, "only `up` is not ours"


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_an_alert_says_how_bad_what_and_what_to_do(alert: dict[str, dict[str, str]]) -> None:
    assert alert["labels"]["severity"] in {"info", "warning", "critical"}
    assert alert["annotations"].keys() == {"summary", "description", "runbook_url"}
    page, _, section = alert["annotations"]["runbook_url"].partition("#")
    headings = re.findall(r"^### (\w+)$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
    assert str(alert["alert"]) in headings
    assert section == str(alert["alert"]).lower()


def test_the_runbook_has_no_section_for_an_alert_that_is_gone() -> None:
    headings = re.findall(r"^### (\w+)$", (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == [alert["alert"] for alert in sorted(alerts(), key=lambda one: headings.index(one["alert"]))]
    assert len(headings) == len(alerts())


def test_the_example_loads_no_budget_rules_unless_somebody_wants_them() -> None:
    loaded = document(PROMETHEUS / "prometheus.yml")["rule_files"]
    assert loaded == ["fusewatch-recording.yml", "fusewatch-alerts.yml"]
    text = (PROMETHEUS / "fusewatch-budgets.yml").read_text(encoding="utf-8")
    assert "DO NOT LOAD THIS FILE when the budget file has a destination of the type alertmanager" in text


def test_alerts_about_money_and_about_the_daemon_do_not_mix() -> None:
    money = {"fusewatch_budget_", "fusewatch_spike_", "fusewatch_incidents_"}
    for path, rule in rules():
        about_money = any(name.startswith(tuple(money)) for name in metrics_of(rule["expr"]))
        assert about_money == (path.name == "fusewatch-budgets.yml"), rule
