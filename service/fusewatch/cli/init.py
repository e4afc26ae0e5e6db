"""`fusewatch init`: look at the Langfuse, list the features and teams found there, write a commented budget file."""

import asyncio
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from fusewatch.bootstrap import connect_project
from fusewatch.cli.common import ConfigOption, environ
from fusewatch.cli.online import world
from fusewatch.cli.waiting import waiting
from fusewatch.config.rulefile import ProjectConfig, load_text
from fusewatch.domain.attribution import Resolver
from fusewatch.domain.merge import generation_of
from fusewatch.domain.money import PICO_PER_USD, format_usd
from fusewatch.domain.rules import DEFAULT_ATTRIBUTION
from fusewatch.domain.usage import UNKNOWN
from fusewatch.errors import ConfigError, Problem
from fusewatch.ports import Span

DAY_MS = 86_400_000
DAYS = 7
PAGES = 10
"""At most so many answers are read: enough to name features and teams, cheap for Langfuse."""

_MINIMAL = "version: 1\n"


@dataclass(slots=True)
class Seen:
    """What the last days held: cost in 1e-12 USD by feature, team and model; `from_ms` how far back was read."""

    rows: int = 0
    cost_pico: int = 0
    from_ms: int = 0
    to_ms: int = 0
    features: Counter[str] = field(default_factory=Counter)
    teams: Counter[str] = field(default_factory=Counter)
    models: Counter[str] = field(default_factory=Counter)

    @property
    def days(self) -> float:
        return max((self.to_ms - self.from_ms) / DAY_MS, 1 / 24)


def command(
    config: ConfigOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Look at your Langfuse and write a commented budget file.

    Needs LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET_KEY and, for a server of your own, LANGFUSE_BASE_URL.

    For example: fusewatch init --config config/budgets.yaml
    """
    path = Path(config or environ().get("FUSEWATCH_CONFIG") or "config/budgets.yaml")
    if path.exists() and not force:
        raise ConfigError(
            [Problem(str(path), 0, "", "this file is there already", "name another with --config, or give --force")]
        )
    loaded = load_text(_MINIMAL, "environment", environ(), secrets=True)
    project = loaded.projects[0]
    print(f"Reading the last {DAYS} days of {project.base_url} …", file=sys.stderr)
    with waiting("Reading"):
        seen = asyncio.run(_look(project))
    text = _file(seen, project.base_url)
    load_text(text, str(path), environ(), secrets=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError([Problem(str(path), 0, "", f"cannot be written ({error.strerror})")]) from error
    print(
        f"{seen.rows:,} generations, {format_usd(seen.cost_pico)} in {seen.days:.1f} days; "
        f"{len(seen.features.keys() - {UNKNOWN})} features, {len(seen.teams.keys() - {UNKNOWN})} teams."
    )
    print(f"Wrote {path}. Next: fusewatch check {path} && fusewatch run --config {path}")


async def _look(project: ProjectConfig) -> Seen:
    outside = world()
    entry = connect_project(project, outside, None)
    seen = Seen()
    resolver = Resolver(DEFAULT_ATTRIBUTION)
    try:
        await entry.source.identify()
        now_ms = outside.clock.now_ms()
        seen.from_ms, seen.to_ms = now_ms - DAYS * DAY_MS, now_ms
        walk = entry.source.walk(Span(seen.from_ms, seen.to_ms))
        for _ in range(PAGES):
            page = await walk.next_page()
            if page is None:
                break
            for observation in page.observations:
                if (row := generation_of(observation, resolver)) is not None:
                    seen.rows += 1
                    seen.cost_pico += row.cost_pico
                    seen.features[row.dimensions.feature] += row.cost_pico
                    seen.teams[row.dimensions.team] += row.cost_pico
                    seen.models[row.dimensions.model] += row.cost_pico
            if page.last:
                break
            seen.from_ms = page.complete_from_ms
    finally:
        await entry.source.close()
    return seen


def _limit(cost_pico: float) -> str:
    """Twice the usual day, as a round sum of at least a dollar."""
    dollars = 2 * cost_pico / PICO_PER_USD
    for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000):
        if dollars <= step:
            return f"${step}"
    return f"${round(dollars, -3):.0f}"


def _file(seen: Seen, base_url: str) -> str:
    """The commented budget file. Everything that was found stands in comments, so that no name can break the file."""
    teams = [name for name in seen.teams if name != UNKNOWN]
    by = "team" if teams else "feature"
    largest = max((cost for name, cost in (seen.teams if teams else seen.features).items()), default=0)
    lines = [
        "# What Fusewatch watches. `fusewatch check` tells every mistake in here; the daemon takes changes at once.",
        f"# Found in the last {seen.days:.1f} days of {_plain(base_url)}: {seen.rows:,} generations, "
        f"{format_usd(seen.cost_pico)}.",
        *_comment("features", seen.features, seen.days),
        *_comment("teams", seen.teams, seen.days),
        *_comment("models", seen.models, seen.days),
        "version: 1",
        "timezone: UTC            # days, weeks and months begin by this zone; for example Europe/Berlin",
        "",
        "budgets:",
        "  - name: everything     # all projects together",
        f"    limit: {_limit(seen.cost_pico / seen.days)}",
        "    every: day",
        f"  - name: each-{by}      # one budget for each {by} that appears",
        f"    each: [{by}]",
        f"    limit: {_limit(largest / seen.days)}",
        "    every: day",
        "    # overrides:         # the first match from the top",
        f"    #   - {{{by}: some-name, limit: $75}}",
        "",
        "spikes:",
        "  - name: twice-the-average   # today so far against the mean of the last 7 days",
        "    each: [feature]",
        "    factor: 2",
        "    floor: $5                 # and at least this much above it",
        "",
        "# Where notices go. Without this part: Slack, when SLACK_WEBHOOK_URL is set, else the terminal.",
        "# destinations:",
        '#   finops: {type: slack, webhook_url: "${SLACK_WEBHOOK_URL}"}',
        "# notify: [finops]",
        "",
    ]
    return "\n".join(lines)


def _comment(title: str, found: Counter[str], days: float) -> list[str]:
    if not found:
        return []
    shown = ", ".join(f"{_plain(name)} {format_usd(int(cost / days))}" for name, cost in found.most_common(12))
    more = f" and {len(found) - 12} more" if len(found) > 12 else ""
    return [f"# {title}, a day: {shown}{more}"]


def _plain(text: str) -> str:
    """Text from outside on one comment line."""
    return "".join(sign if sign.isprintable() else " " for sign in text)[:80]
