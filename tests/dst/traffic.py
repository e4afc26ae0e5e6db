"""The spend of a history: calls of several features, teams, users and models, late, updated, doubled, moved and without
a price, with a loop that runs away and a model that got dearer."""

import random

from tests.dst.history import DAY_MS, HOUR_MS, MINUTE_MS, PICO, SECOND_MS, Call, Version

FEATURES = ("summary", "search", "chat", "tagging", "")
TEAMS = ("content", "growth", "")
USERS = ("ann", "bob", "eve", "")
MODELS = ("gpt-4o", "claude-sonnet", "mini")
NO_MODEL = "nobody-knows-1"
"""Langfuse has no price for it."""

_CENT = PICO // 100


class _Pen:
    """Writes calls one after the other. `moves`: whether some get another start; v1 keeps the first, v2 shows both."""

    def __init__(self, dice: random.Random, *, moves: bool) -> None:
        self.dice = dice
        self.moves = moves
        self.calls: list[Call] = []

    def call(
        self, project: str, start_ms: int, cents: float, feature: str, team: str, user: str, model: str, last_ms: int
    ) -> None:
        """One observation with the versions that it gets by `last_ms`."""
        dice = self.dice
        number = len(self.calls)
        cost = int(cents * _CENT) + dice.randrange(1000)
        unpriced = dice.random() < 0.02
        environment = "langfuse-evaluation" if dice.random() < 0.02 else "production"
        first = Version(
            start_ms=start_ms,
            updated_ms=start_ms + 1000,
            arrives_ms=min(start_ms + self._lateness(), last_ms),
            cost_pico=None if unpriced else cost,
            tokens=dice.randrange(10, 4000),
            feature=feature,
            team=team,
            user=user,
            model=NO_MODEL if unpriced else model,
            environment=environment,
        )
        versions = [first]
        while dice.random() < 0.08 and len(versions) < 4:
            versions.append(self._next(versions[-1], cost, last_ms))
        self.calls.append(Call(project, f"{dice.getrandbits(120):032x}", f"{number:016x}", tuple(versions)))

    def _lateness(self) -> int:
        """From start to arrival, in milliseconds."""
        dice = self.dice
        kind = dice.random()
        if kind < 0.8:
            return dice.randrange(500, 8000)
        if kind < 0.95:
            return dice.randrange(8000, 150_000)
        if kind < 0.99:
            return dice.randrange(3 * MINUTE_MS, 14 * MINUTE_MS)
        return dice.randrange(20 * MINUTE_MS, 5 * HOUR_MS)

    def _next(self, last: Version, cost: int, last_ms: int) -> Version:
        """A newer version: another cost, a price at last, another start, or the very same once more."""
        dice = self.dice
        arrives_ms = min(last.arrives_ms + int(SECOND_MS * 10 ** (4 * dice.random())), last_ms)
        kind = dice.random()
        if kind < 0.25:
            return last._replace(arrives_ms=arrives_ms)
        updated_ms = max(arrives_ms - 500, last.updated_ms + 1)
        changed = last._replace(arrives_ms=arrives_ms, updated_ms=updated_ms)
        if kind < 0.35 and self.moves:
            return changed._replace(
                start_ms=last.start_ms - dice.randrange(1, 10 * MINUTE_MS), cost_pico=cost + 5_000_000
            )
        factor = dice.choice((0, 1, 2, 5))
        return changed._replace(cost_pico=cost * factor // 2 + dice.randrange(1, 1000) * 1_000_000)


def spend_of(
    dice: random.Random,
    projects: tuple[str, ...],
    from_ms: int,
    begins_ms: int,
    calm_ms: int,
    ends_ms: int,
    *,
    moves: bool = True,
) -> tuple[Call, ...]:
    """All calls: a few days before the daemon begins, and while it runs. Nothing arrives in the last five hours."""
    pen = _Pen(dice, moves=moves)
    last_ms = ends_ms - 5 * HOUR_MS
    _background(pen, projects, from_ms, begins_ms, calls_a_day=60, last_ms=last_ms)
    _background(pen, projects, begins_ms, calm_ms + HOUR_MS, calls_a_day=350, last_ms=last_ms)
    for _ in range(dice.randrange(1, 4)):
        start_ms = dice.randrange(begins_ms + HOUR_MS, calm_ms - HOUR_MS)
        _runaway(pen, dice.choice(projects), start_ms, last_ms)
    _dearer(pen, dice.choice(projects), dice.randrange(begins_ms, calm_ms), calm_ms, last_ms)
    return tuple(pen.calls)


def _background(
    pen: _Pen, projects: tuple[str, ...], from_ms: int, to_ms: int, *, calls_a_day: int, last_ms: int
) -> None:
    dice = pen.dice
    for project in projects:
        for _ in range(calls_a_day * (to_ms - from_ms) // DAY_MS):
            pen.call(
                project,
                dice.randrange(from_ms, to_ms),
                dice.lognormvariate(2.0, 1.0),
                dice.choices(FEATURES, (5, 4, 3, 2, 1))[0],
                dice.choices(TEAMS, (5, 3, 1))[0],
                dice.choices(USERS, (4, 3, 2, 1))[0],
                dice.choice(MODELS),
                last_ms,
            )


def _runaway(pen: _Pen, project: str, start_ms: int, last_ms: int) -> None:
    """A loop that nobody stops for a while."""
    dice = pen.dice
    feature, team, user = dice.choice(FEATURES), dice.choice(TEAMS), dice.choice(USERS)
    cents = dice.choice((20, 60, 150))
    for number in range(dice.randrange(30, 150)):
        pen.call(project, start_ms + number * 9_000, cents, feature, team, user, "gpt-4o", last_ms)


def _dearer(pen: _Pen, project: str, from_ms: int, to_ms: int, last_ms: int) -> None:
    """A feature moves to a model that costs several times as much."""
    dice = pen.dice
    for _ in range(60 * (to_ms - from_ms) // DAY_MS):
        pen.call(project, dice.randrange(from_ms, to_ms), 45, "tagging", "growth", "bob", "opus", last_ms)
