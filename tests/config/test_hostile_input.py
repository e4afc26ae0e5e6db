"""No text makes the loader raise anything but ConfigError, and no secret gets into what it says."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fusewatch.config.rulefile import load_text
from fusewatch.config.rulefile.yamltree import read_tree
from fusewatch.config.settings import load_settings
from fusewatch.errors import ConfigError

HERE = Path(__file__).parent
CORPUS = [
    path.read_text(encoding="utf-8")
    for path in [*sorted((HERE / "good").glob("*.yaml")), *sorted((HERE / "bad").glob("*.yaml"))]
    if path.name != "not-utf-8.yaml"
]
BITS = [
    *"{}[]:,-#*&!|>%@`'\"\\\n\t $<?~\0\r\x85\u2028\ud800",
    "${X}",
    "$${",
    "${",
    "<<: *a",
    "&a ",
    "*a",
    "!!binary ",
    "---\n",
    "...\n",
    "%YAML 9.9\n",
    "%TAG ! x\n",
    "null",
    "\n  - ",
    "? ",
    ": ",
    '"\\x"',
    '"\\U00110000"',
    "9" * 400,
    "€5",
    "[" * 30,
    "2026-99-99",
    "version",
    "budgets",
    "type",
]
COMPLETE = json.dumps(read_tree((HERE / "good" / "complete.yaml").read_text(encoding="utf-8"), "")[0].values)
SHAPES: list[object] = [
    None,
    "",
    "x",
    5,
    -1.5,
    True,
    [],
    ["a"],
    [[]],
    [None],
    {},
    {"a": None},
    {"": ""},
    {"type": "slack"},
    {"type": ["slack"]},
    {"at": []},
    "${X}",
    "${NOT_SET}",
    "[a",
    "*",
    "none",
    "9" * 50,
]
CANARY = "canary-5up3r-53cr3t"


def attempt(text: str, environ: dict[str, str], *, secrets: bool) -> list[str]:
    """Everything that loading says, whether it works or not."""
    try:
        loaded = load_text(text, "budgets.yaml", environ, secrets=secrets)
    except ConfigError as error:
        chain: list[BaseException] = []
        cause: BaseException | None = error
        while cause is not None:
            chain.append(cause)
            cause = cause.__cause__ or cause.__context__
        return [repr(problem) for problem in error.problems] + [repr(c) + str(c) for c in chain]
    return [repr(loaded), *(str(warning) for warning in loaded.warnings)]


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A budget file in which some pieces were cut out, doubled, moved or replaced."""
    text = draw(st.sampled_from(CORPUS))
    chance = random.Random(draw(st.integers(0, 2**32)))
    for _ in range(chance.randint(1, 6)):
        at, end = sorted((chance.randint(0, len(text)), chance.randint(0, len(text))))
        end = min(end, at + chance.choice((0, 1, 3, 40)))
        piece = chance.choice((chance.choice(BITS), text[at:end] * 2, ""))
        text = text[:at] + piece + text[end:]
    return text


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mutated(), st.booleans())
def test_no_mutation_of_a_budget_file_raises_anything_but_config_errors(text: str, secrets: bool) -> None:
    attempt(text, {"X": "filled: [in"}, secrets=secrets)


def positions(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of everything in a tree."""
    if path:
        yield path
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in entries:
        yield from positions(entry, (*path, key))


@st.composite
def misshapen(draw: st.DrawFn) -> str:
    """The complete example with values of other shapes in some of its places, as JSON, which is YAML."""
    tree = json.loads(COMPLETE)
    for _ in range(draw(st.integers(1, 3))):
        *outer, last = draw(st.sampled_from(sorted(positions(tree), key=str)))
        holder: Any = tree
        for step in outer:
            holder = holder[step]
        holder[last] = json.loads(json.dumps(draw(st.sampled_from(SHAPES))))
    return json.dumps(tree, ensure_ascii=False)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(misshapen(), st.sampled_from(["", "slack", "a b", "7"]))
def test_no_value_of_another_shape_raises_anything_but_config_errors(text: str, value: str) -> None:
    said = attempt(text, {"X": value}, secrets=False)
    assert not any("Input should" in problem or "cannot be read" in problem for problem in said)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60))
def test_no_text_at_all_raises_anything_but_config_errors(text: str) -> None:
    attempt(text, {}, secrets=False)
    attempt(f"version: 1\n{text}", {}, secrets=False)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["timezone", "name", "limit", "feature", "at", "url", "until"]), st.text(max_size=30))
def test_no_value_of_a_variable_raises_anything_but_config_errors(key: str, value: str) -> None:
    fields = {
        "timezone": "${X}",
        "name": "${X}",
        "limit": "${X}",
        "feature": "${X}",
        "at": "${X}",
        "url": "${X}",
        "until": "${X}",
    }
    usual = {
        "timezone": "UTC",
        "name": "a",
        "limit": "$5",
        "feature": "a",
        "at": "50%",
        "url": "http://x",
        "until": "2026-01-01",
    }
    filled = {**usual, key: fields[key]}
    text = (
        'version: 1\ntimezone: "{timezone}"\ndestinations: {{x: {{type: webhook, url: "{url}"}}}}\nbudgets:\n'
        '  - name: "{name}"\n    limit: "{limit}"\n    every: day\n    each: [feature]\n    thresholds: ["{at}"]\n'
        '    overrides: [{{feature: "{feature}", limit: none, until: "{until}"}}]\n'
    ).format(**filled)
    attempt(text, {"X": value}, secrets=True)


PLACES = """
version: 1
timezone: {0}
day_starts_at: {0}
month_starts_on: {0}
projects: [{{name: {0}, base_url: {0}, public_key: {0}, secret_key: {0}, organisation: {0}}}]
environments: {{exclude: [{0}]}}
attribution: {{squad: [{0}]}}
prices: [{{match: {0}, input: {0}, per: {0}}}]
history: {0}
metrics: {{labels: [{0}], max_series: {0}}}
heartbeat: {{url: {0}, every: {0}}}
destinations:
  a: {{type: slack, channel: {0}, token: {0}, from: {0}}}
  b: {{type: slack, webhook_url: {0}}}
  c: {{type: webhook, url: {0}, secret: {0}}}
  d: {{type: email, to: [{0}], smtp: {0}}}
  e: {{type: {0}}}
  f: {{type: pagerduty, routing_key: {0}, quiet_hours: {{from: {0}, to: {0}}}}}
routes: [{{where: {{team: {0}}}, notify: [{0}], runbook: {0}}}]
notify: [{0}]
budgets:
  - {{name: {0}, where: {{project: {0}}}, limit: {0}, every: {0}, thresholds: [{0}], forecast: {0}, was: {0}}}
  - {{name: x, each: [{0}, team], limit: {0}, last: {0}, overrides: [{{team: {0}, limit: {0}, until: {0}}}]}}
spikes: [{{name: {0}, factor: {0}, of: {0}, method: {0}, floor: {0}, baseline: {{days: {0}, using: {0}}}}}]
watch: {{unreadable: {{after: {0}}}, drift: {0}}}
digest: [{{every: {0}, at: {0}, to: [{0}]}}]
exports: [{{cron: {0}, by: [{0}], to: {0}}}]
"""


@pytest.mark.parametrize("canary", [CANARY, f"https://{CANARY}/x y", f"{CANARY} 5\n[", f"%{CANARY}", "1" * 30])
def test_what_a_variable_holds_is_never_told_wherever_it_was_filled_in(canary: str) -> None:
    said = "\n".join(attempt(PLACES.format('"${SECRET}"'), {"SECRET": canary}, secrets=True))
    assert "${SECRET}" in said
    assert canary not in said
    assert CANARY not in said


def test_secrets_that_stand_in_the_file_itself_are_not_told() -> None:
    text = (
        "version: 1\n"
        f"projects: [{{name: a, public_key: pk, secret_key: '{CANARY}'}}]\n"
        "destinations:\n"
        f"  a: {{type: slack, channel: x, token: '{CANARY}'}}\n"
        f"  b: {{type: slack, webhook_url: 'https://hooks.example.com/{CANARY}'}}\n"
        f"  c: {{type: webhook, url: 'https://example.com/{CANARY}', secrets: ['{CANARY}']}}\n"
    )
    assert CANARY not in "\n".join(attempt(text, {}, secrets=True))
    for bad in (f"{CANARY} x", f"ftp://{CANARY}"):
        assert CANARY not in "\n".join(attempt(text.replace(CANARY, bad), {}, secrets=True))


def test_text_that_is_no_yaml_is_not_told_either() -> None:
    for broken in (f"token: '{CANARY}", f"a: {{token: {CANARY}", f"a: b: {CANARY}", f"\ttoken: {CANARY}", f"@{CANARY}"):
        assert CANARY not in "\n".join(attempt(f"version: 1\n{broken}\n", {}, secrets=False))


def test_no_secret_of_the_environment_gets_into_what_settings_say(tmp_path: Path) -> None:
    names = [
        "LANGFUSE_SECRET_KEY",
        "FUSEWATCH_WEB_TOKEN",
        "SLACK_BOT_TOKEN",
        "SLACK_WEBHOOK_URL",
        "FUSEWATCH_DATABASE_URL",
    ]
    file = tmp_path / "secret"
    file.write_text(f"{CANARY} with space")
    for suffix, value in (("", f"{CANARY} with space"), ("_FILE", str(file))):
        with pytest.raises(ConfigError) as caught:
            load_settings({f"{name}{suffix}": value for name in names})
        assert len(caught.value.problems) == len(names)
        cause: BaseException | None = caught.value
        while cause is not None:
            assert CANARY not in repr(cause) + str(cause)
            cause = cause.__cause__ or cause.__context__
    fine = load_settings({"LANGFUSE_SECRET_KEY": CANARY, "SLACK_WEBHOOK_URL": f"https://x/{CANARY}"})
    assert CANARY not in repr(fine) + str(fine)
