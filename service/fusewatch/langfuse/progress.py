"""What a walk has proved: which part of its span is read, and that the rows are of the right project."""

from collections.abc import Sequence

from fusewatch.domain.usage import Observation
from fusewatch.errors import Permanent
from fusewatch.ports import Span


class Progress:
    """How far down a walk is complete, given pages that should be sorted newest first."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self._sorted = True
        self.complete_from_ms = span.to_ms

    def take(self, observations: list[Observation], *, last: bool) -> Sequence[Observation]:
        """The observations that start inside the span, newest first; moves `complete_from_ms`.

        Rows that share the last row's instant may stand on the next page, so the page is complete from 1 ms later on.
        An unsorted page proves nothing about what is still to come: then only the last page completes the span.
        """
        from_ms, to_ms = self._span
        starts = [o.start_ms for o in observations]
        if starts and (min(starts) < from_ms or max(starts) >= to_ms):
            observations = [o for o in observations if from_ms <= o.start_ms < to_ms]
            starts = [o.start_ms for o in observations]
        newest_first = sorted(starts, reverse=True)
        if starts != newest_first:
            self._sorted = False
            observations = sorted(observations, key=lambda o: -o.start_ms)
        if last:
            self.complete_from_ms = from_ms
        elif newest_first and self._sorted:
            self.complete_from_ms = min(self.complete_from_ms, newest_first[-1] + 1)
        return observations


def check_project(expected: str, found: set[str], *, where: str) -> None:
    """Permanent (``wrong_project``) when rows belong to another project than the key pair did before."""
    others = found - {expected, ""}
    if expected and others:
        raise Permanent(
            "wrong_project",
            f"{where} now answers for project {min(others)[:80]!r}; this key pair belonged to {expected!r} before. "
            "Its spend is not mixed in: use the right key pair, or declare it as a project of its own",
        )
