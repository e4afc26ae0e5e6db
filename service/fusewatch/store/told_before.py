"""What people were told after a backup was taken that was then restored: it is worked out again, grouped in other
messages, and not told a second time."""

from collections.abc import Collection
from dataclasses import replace

from fusewatch.domain.notices import Message, MessageKind
from fusewatch.domain.routing import delivery_id
from fusewatch.store import codec, meta
from fusewatch.store.connection import Link

FACT = "told_before_restore"
"""In `meta`: the ids of notices, as a list of strings."""


def ids_in(message: Message) -> Collection[str]:
    """The identities of what a message tells (`routing.delivery_id`)."""
    return {delivery_id(notice, message.destination) for notice in message.notices}


def without(link: Link, message: Message) -> tuple[Message, bool]:
    """The message without what was told before, and whether nothing remains of it."""
    if message.kind is not MessageKind.NOTICES:
        return message, False
    told = meta.fact(link, FACT)
    if told is None:
        return message, False
    known = frozenset(codec.strings_of(told))
    fresh = tuple(n for n in message.notices if delivery_id(n, message.destination) not in known)
    return replace(message, notices=fresh), not fresh
