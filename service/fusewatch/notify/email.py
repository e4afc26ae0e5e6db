"""Mail through an SMTP server: one mail to all recipients, handed over in a thread within eight seconds."""

from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

from fusewatch.domain.notices import Message
from fusewatch.errors import Permanent, Retryable
from fusewatch.notify.kinds import EmailKind
from fusewatch.notify.mail_payload import envelope_address, mail_bytes
from fusewatch.notify.smtp import Conversation, Refusal
from fusewatch.notify.threads import in_thread
from fusewatch.ports import Receipt

T = TypeVar("T")

TIMEOUT_S = 8.0
"""For the whole conversation; below the lease of a claim."""

_REMEMBERED = 1_000
_NAMED = 3


class Email:
    """One server and one list of recipients.

    Where the server takes a mail for some recipients only, this process remembers for whom, and a further attempt goes
    to the others alone.
    """

    min_interval_s = 0.0

    def __init__(self, kind: EmailKind, *, timezone: str) -> None:
        self._server = kind.server()
        self._sender = envelope_address(kind.from_address)
        self._to = tuple(dict.fromkeys(envelope_address(address) for address in kind.to))
        self._timezone = timezone
        self._accepted: OrderedDict[str, frozenset[str]] = OrderedDict()
        """By message: for whom the server took it while it refused others."""

    async def send(self, message: Message) -> Receipt:
        """Returns when the server took the mail for every recipient. Refused ones are named: tried again where the
        server's answer may change, dead where it is final."""
        mail = mail_bytes(message, self._timezone, sender=self._sender, to=self._to)
        before = self._accepted.get(message.id, frozenset())
        remaining = [address for address in self._to if address not in before]
        refused = await self._handed_over(mail, remaining)
        if not refused:
            self._accepted.pop(message.id, None)
            return Receipt()
        accepted = before | (set(remaining) - set(refused))
        if accepted:
            self._accepted[message.id] = accepted
            while len(self._accepted) > _REMEMBERED:
                self._accepted.popitem(last=False)
        raise self._problem(refused, len(accepted))

    async def check(self) -> None:
        """Connect and log in, and send nothing; raises as `send` does."""
        conversation = self._conversation()
        await self._within_time(conversation, conversation.look_in)

    async def _handed_over(self, mail: bytes, recipients: list[str]) -> dict[str, Refusal]:
        conversation = self._conversation()
        utf8 = not all(address.isascii() for address in (self._sender, *self._to))
        return await self._within_time(
            conversation, lambda: conversation.deliver(self._sender, recipients, mail, utf8=utf8)
        )

    def _conversation(self) -> Conversation:
        return Conversation(self._server, timeout_s=TIMEOUT_S)

    async def _within_time(self, conversation: Conversation, work: Callable[[], T]) -> T:
        try:
            return await in_thread(work, name="fusewatch-mail", timeout_s=TIMEOUT_S, give_up=conversation.break_off)
        except TimeoutError:
            raise Retryable("timeout", f"{self._server.host} did not come to an end within {TIMEOUT_S:g} s") from None

    def _problem(self, refused: dict[str, Refusal], accepted: int) -> Permanent | Retryable:
        host = self._server.host
        named = "; ".join(
            f"{address} ({refusal.code} {refusal.text})" for address, refusal in [*refused.items()][:_NAMED]
        )
        more = f" and {len(refused) - _NAMED} more" if len(refused) > _NAMED else ""
        others = f", and took the mail for the {accepted} other{'s' if accepted > 1 else ''}" if accepted else ""
        text = f"{host} refused {named}{more}{others}"
        if any(refusal.code < 500 for refusal in refused.values()):
            return Retryable("recipient_deferred", text)
        return Permanent("recipient_refused", text)

    async def close(self) -> None:
        """Every mail has a connection of its own."""
