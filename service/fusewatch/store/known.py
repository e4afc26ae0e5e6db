"""Values that were seen before. They outlive the rows that held them: a value is new once for ever."""

from collections.abc import Collection

from fusewatch.store.connection import Link


def is_known(link: Link, dimension: str, value: str) -> bool:
    return link.row("SELECT 1 FROM known_value WHERE dimension = ? AND value = ?", (dimension, value)) is not None


def know(link: Link, dimension: str, values: Collection[str]) -> None:
    for value in values:
        link.run(
            "INSERT INTO known_value (dimension, value) VALUES (?, ?) ON CONFLICT (dimension, value) DO NOTHING",
            (dimension, value),
        )
