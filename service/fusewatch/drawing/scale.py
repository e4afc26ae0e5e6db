"""Distances between the lines of an axis."""


def round_step(most: int) -> int:
    """A round distance that gives about five lines up to `most`."""
    step = 1
    while step * 6 < most:
        step *= 10
    return next((s for s in (step // 10 or 1, step // 5 or 1, step // 2 or 1) if s * 6 >= most), step)
