"""Whether what an extra brings is installed, told without loading it or anything else."""

from importlib.util import find_spec


def has_apprise() -> bool:
    """Whether Apprise is there."""
    return find_spec("apprise") is not None
