"""The pictures of docs/rules.md: `fusewatch backtest --plot` of the YAML that stands above each, over one ledger."""

import re
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from fusewatch.cli import _app
from fusewatch.domain.usage import Dimensions, Generation, Pricing, Tokens
from fusewatch.ports import ProjectIdentity, Span
from fusewatch.store import open_store

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "rules.md"
IMAGES = ROOT / "docs" / "images"

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
BEGIN_MS = 1_760_313_600_000
"""Monday 13 October 2025, 00:00 UTC."""
DAYS = 28
CALLS_AN_HOUR = 6
PROJECT = ProjectIdentity("https://langfuse.example", "p1", "Shop", "org", "v2", "4.16.0")
SHOWN = re.compile(
    r"```yaml\n(?P<yaml>(?:(?!```).)*)```\n!\[[^\]]+\]\(images/rule-(?P<name>[a-z-]+)\.svg\)\n"
    r"(?:\n```text\n(?P<lines>(?:(?!```).)*)```\n)?",
    re.DOTALL,
)
SPANS = {
    "window": ("2025-11-03", "2025-11-04"),
    "seasonal": ("2025-11-03", "2025-11-06"),
    "new": ("2025-11-04", "2025-11-06"),
    "unpriced": ("2025-11-06", "2025-11-07"),
    "unattributed": ("2025-11-06", "2025-11-07"),
    "silent": ("2025-11-08", "2025-11-08"),
    "repeat": ("2025-11-05", "2025-11-07"),
}
WIDELY = ("2025-10-27", "2025-11-09")
"""From and to of a picture without an entry: two weeks, a bar a day."""


MOST_LINES = 5


class Shown(NamedTuple):
    """A picture of the page by its name, the budget file above it, and what the page says was told."""

    name: str
    yaml: str
    lines: str

    @property
    def path(self) -> Path:
        return IMAGES / f"rule-{self.name}.svg"


class Feature(NamedTuple):
    """What a feature usually costs in an hour of a working day, in cents, by hour of the day."""

    name: str
    team: str
    model: str
    cents: tuple[int, ...]


_OFFICE = (0, 0, 0, 0, 0, 0, 2, 5, 12, 18, 20, 20, 16, 18, 20, 20, 18, 14, 8, 5, 3, 1, 0, 0)
FEATURES = (
    Feature("summarization", "content", "gpt-4o-mini", tuple(10 * share for share in _OFFICE)),
    Feature("code-review", "engineering", "claude-sonnet-4-5", tuple(7 * share for share in _OFFICE)),
    Feature("search-assist", "search", "gpt-4o-mini", (16,) * 24),
)


def pictures() -> list[Shown]:
    """Those of the page, in its order."""
    found = [
        Shown(match["name"], match["yaml"], match["lines"] or "")
        for match in SHOWN.finditer(PAGE.read_text(encoding="utf-8"))
    ]
    assert set(SPANS) <= {one.name for one in found}, "a span without a picture"
    return found


def ledger(folder: Path) -> str:
    """The address of a database with the four weeks of the page."""
    url = f"sqlite:///{folder}/rules.db"
    rows = list(generations())
    span = Span(BEGIN_MS, BEGIN_MS + DAYS * DAY_MS)
    with open_store(url, holder="pictures", exclusive=True) as store:
        store.register(PROJECT, "shop", now_ms=1)
        store.ingest(PROJECT.key, lambda unit: unit.record(span, rows, now_ms=span.to_ms))
        store.ingest(PROJECT.key, lambda unit: unit.cover(span, read_at_ms=span.to_ms))
    return url


def generations() -> Iterator[Generation]:
    number = 0
    for day in range(DAYS):
        for hour in range(24):
            for feature in FEATURES:
                for cents, model, team, priced, calls in of_hour(feature, day, hour):
                    for call in range(calls):
                        start_ms = BEGIN_MS + day * DAY_MS + hour * HOUR_MS + call * HOUR_MS // calls + 30_000
                        cost_pico = cents * 10**10 // calls
                        yield one(number, start_ms, cost_pico, feature.name, team, model, priced=priced)
                        number += 1


def of_hour(feature: Feature, day: int, hour: int) -> Iterator[tuple[int, str, str, bool, int]]:
    """(cents, model, team, whether it has a price, calls) of what a feature does in an hour; days differ by a tenth."""
    weekend = day % 7 > 4
    cents = feature.cents[hour] * (90 + 7 * day % 20) // (400 if weekend and feature.name != "search-assist" else 100)
    team, model, calls = feature.team, feature.model, CALLS_AN_HOUR
    if (day, hour) >= (26, 6):
        return
    if feature.name == "search-assist" and day == 22 and 3 <= hour < 6:
        cents, calls = cents + 300, 120
    if feature.name == "summarization" and (day, hour) >= (24, 13) and day < 25:
        cents, model = cents * 6, "gpt-4o"
    if feature.name == "code-review" and day == 23 and hour >= 10:
        yield cents // 2 + 60, "gpt-6-mini", team, True, calls
    if feature.name == "code-review" and day == 25 and hour >= 9:
        yield 0, "my-ft-reviewer", team, False, 80 if hour < 14 else 1
        yield cents * 3 // 2, model, "unknown", True, calls
    if cents:
        yield cents, model, team, True, calls


def one(number: int, start_ms: int, cost_pico: int, feature: str, team: str, model: str, *, priced: bool) -> Generation:
    provider = "anthropic" if model.startswith("claude") else "openai"
    scope = Dimensions("production", feature, team, model, provider, "answer", "GENERATION", "r1", "v1", "p1", feature)
    used = Tokens(input=800, output=200, total=1000)
    pricing = Pricing.PRICED if priced else Pricing.UNPRICED
    name = f"{number:032x}"
    return Generation(
        name, name[16:], start_ms, 1, cost_pico, pricing, used, 900, scope, f"user-{number % 40}", "s", number
    )


class Drawn(NamedTuple):
    """What `backtest` made of a budget file: the picture as SVG, and a line for each notice that would go out."""

    svg: str
    lines: str


def drawn(picture: Shown, url: str, folder: Path) -> Drawn:
    path, file = folder / f"rule-{picture.name}.svg", folder / f"{picture.name}.yaml"
    file.write_text(picture.yaml, encoding="utf-8")
    since, until = SPANS.get(picture.name, WIDELY)
    words = ["backtest", "--from", since, "--to", until, "--config", str(file), "--database", url, "--plot", str(path)]
    if rule := re.search(r"(?:budgets|spikes):\n  - (?:\{)?name: ([a-z-]+)", picture.yaml):
        words += ["--rule", rule[1]] if "watch:" not in picture.yaml else []
    printed, said = StringIO(), StringIO()
    with redirect_stdout(printed), redirect_stderr(said), suppress(SystemExit):
        _app(words)(words)
    assert path.exists(), said.getvalue()
    return Drawn(path.read_text(encoding="utf-8"), "".join(_told(printed.getvalue())))


def _told(printed: str) -> Iterator[str]:
    """The timeline of a backtest, as narrow as a page: when, how severe, what."""
    rows = [re.split(r" {2,}", line.strip()) for line in printed.partition("\n\n")[0].splitlines()[1:]]
    for at, severity, _, what, _ in rows[:MOST_LINES]:
        yield f"{at[:6]} {at[-5:]}  {severity:<8}  {what}\n"
    if len(rows) > MOST_LINES:
        yield f"… and {len(rows) - MOST_LINES} more\n"


def page_with(lines: Mapping[str, str]) -> str:
    """The page with these lines below its pictures."""

    def shown(match: re.Match[str]) -> str:
        head = match[0].partition("\n\n```text")[0].rstrip("\n")
        return f"{head}\n\n```text\n{lines[match['name']]}```\n"

    return SHOWN.sub(shown, PAGE.read_text(encoding="utf-8"))


def draw_all() -> Iterator[tuple[Shown, Drawn]]:
    with TemporaryDirectory() as folder:
        url = ledger(Path(folder))
        for picture in pictures():
            yield picture, drawn(picture, url, Path(folder))
