"""Whatever Apprise can reach: the words of a message, through the plugin that its address names."""

import logging
import re
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import unquote

from fusewatch.domain.notices import Message
from fusewatch.errors import Permanent, Retryable
from fusewatch.notify.extras import has_apprise
from fusewatch.notify.kinds import AppriseKind
from fusewatch.notify.sheet import Tone, sheet_lines
from fusewatch.notify.text import clean
from fusewatch.notify.threads import in_thread
from fusewatch.notify.words import sheet
from fusewatch.ports import Receipt

if TYPE_CHECKING:
    from apprise import Apprise
    from apprise.result import AppriseResult

MISSING = "apprise is not installed; pip install 'fusewatch[apprise]' brings it"

TIMEOUT_S = 20.0
"""For all requests of a plugin; some wait 5.5 s between two. Below the lease of a claim."""

_LOGGERS = ("apprise", "urllib3", "requests", "requests_oauthlib", "oauthlib")
"""They log addresses, and with them secrets."""

_NOT_SECRET = frozenset({"http", "https", "json", "jsons", "true", "false", "localhost"})
_LEAST_SECRET = 4


class AppriseNotifier:
    """One Apprise address. Only one message is under way at a time: Apprise cannot be broken off, so after a timeout
    the next one waits until it has come to its end."""

    min_interval_s = 0.0

    def __init__(self, kind: AppriseKind, *, timezone: str) -> None:
        self._url = kind.url
        self._timezone = timezone
        self._service: Apprise | None = None
        self._busy = False
        self.warning = "" if has_apprise() else MISSING

    async def send(self, message: Message) -> Receipt:
        """Returns when the plugin says that it was accepted. Apprise tells no more than that it was not, so that is
        tried again; an address that it does not understand is not."""
        content = sheet(message)
        headline, *lines = sheet_lines(content, zone=self._timezone)
        body = "\n".join(lines) or headline
        await self._within_time(lambda: self._told(headline, body, content.tone))
        return Receipt()

    async def check(self) -> None:
        """Permanent or Retryable where the address cannot be used; nothing is sent."""
        await self._within_time(self._loaded)

    async def _within_time(self, work: Callable[[], object]) -> None:
        if self._busy:
            raise Retryable("timeout", "Apprise is still busy with the message before")
        self._busy = True

        def to_its_end() -> None:
            try:
                work()
            finally:
                self._busy = False

        try:
            await in_thread(to_its_end, name="fusewatch-apprise", timeout_s=TIMEOUT_S, give_up=lambda: None)
        except TimeoutError:
            raise Retryable("timeout", f"Apprise did not come to an end within {TIMEOUT_S:g} s") from None

    def _told(self, title: str, body: str, tone: Tone) -> None:
        result = self._notified(self._loaded(), title, body, tone)
        if not result:
            raise Retryable("not_accepted", self._reason(result))

    def _notified(self, service: "Apprise", title: str, body: str, tone: Tone) -> "AppriseResult":
        from apprise import NotifyFormat, NotifyType  # noqa: PLC0415 - optional, and slow to load

        kinds = {
            Tone.CRITICAL: NotifyType.FAILURE,
            Tone.WARNING: NotifyType.WARNING,
            Tone.INFO: NotifyType.INFO,
            Tone.GOOD: NotifyType.SUCCESS,
        }
        # As plain text: plugins for HTML or Markdown escape it then, and names from outside stay names.
        return service.notify(body=body, title=title, notify_type=kinds[tone], body_format=NotifyFormat.TEXT)

    def _loaded(self) -> "Apprise":
        if self._service is None:
            self._service = self._load()
        return self._service

    def _load(self) -> "Apprise":
        for name in _LOGGERS:
            _hush(logging.getLogger(name))
        try:
            from apprise import Apprise, AppriseAsset  # noqa: PLC0415 - optional, and slow to load
        except ImportError:
            raise Retryable("not_installed", MISSING) from None
        asset = AppriseAsset(
            app_id="Fusewatch",
            app_desc="Fusewatch",
            app_url="",
            async_mode=False,
            http_redirects=False,
            pgp_autogen=False,
            pem_autogen=False,
            secure_logging=True,
            storage_mode="memory",
            service_timeout=0,
            allow_templates=False,
        )
        plugin = Apprise.instantiate(self._url, asset=asset)
        if plugin is None:
            scheme = self._url.partition("://")[0]
            what = f"Apprise does not understand this {scheme}:// address, or lacks what it needs for it"
            raise Permanent("bad_address", f"{what}; see appriseit.com/services")
        service = Apprise(asset=asset)
        service.add(plugin)
        return service

    def _reason(self, result: "AppriseResult") -> str:
        """What the plugin complained about, without anything that stands in the address."""
        words = [clean(self._without_secrets(entry.message), 200) for entry in result.logs()]
        return "; ".join(["the service did not accept it", *words[:3]])

    def _without_secrets(self, text: str) -> str:
        parts = {*re.split(r"[^A-Za-z0-9._-]+", self._url), *re.split(r"[^A-Za-z0-9]+", unquote(self._url))}
        for part in sorted(parts - _NOT_SECRET, key=len, reverse=True):
            if len(part) >= _LEAST_SECRET:
                text = text.replace(part, "…")
        return text

    async def close(self) -> None:
        """What is under way ends by itself; its thread keeps nobody from leaving."""


def _hush(logger: logging.Logger) -> None:
    """What it logs goes nowhere but to Apprise's own collection of complaints."""
    logger.setLevel(logging.WARNING)
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
