"""What is known of each organisation's rate limit, as the gate wrote it."""

from fusewatch.store.connection import Link


def load(link: Link, organisation: str) -> str | None:
    row = link.row("SELECT state FROM rate_limit WHERE organisation = ?", (organisation,))
    return None if row is None else str(row[0])


def save(link: Link, organisation: str, state: str) -> None:
    link.run(
        "INSERT INTO rate_limit (organisation, state) VALUES (?, ?)"
        " ON CONFLICT (organisation) DO UPDATE SET state = excluded.state",
        (organisation, state),
    )
