"""The places that can be told, as the budget file describes them: one model for each type."""

import re
from collections.abc import Iterator
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from fusewatch.config.fields import JsonSchema, Text
from fusewatch.config.rulefile.kinds import ClockTime, Secret, SecretAddress, SeverityWord, WebAddress, Zone, choice
from fusewatch.config.rulefile.part import Complaint, Part, only_one
from fusewatch.config.words import Wrong
from fusewatch.domain.rules import Severity


def _channel(text: str) -> str:
    if not re.fullmatch(r"#?[\w-]{1,80}", text):
        raise Wrong("{} is not a Slack channel", 'write "#name" or the id of the channel')
    return text


def _mail_address(text: str) -> str:
    if not re.fullmatch(r"[^@\s,;<>]+@[^@\s,;<>]+", text) or not text.isprintable():
        raise Wrong("{} is not a mail address", "write name@example.com")
    return text


_STRING: JsonSchema = {"type": "string"}
Channel: TypeAlias = Annotated[str, Text(_channel, {**_STRING, "examples": ["#llm-spend"]}, "#unset")]
Template: TypeAlias = Annotated[str, Text(str, {**_STRING, "examples": ["[LLM spend] {{ headline }}"]})]
MailAddress: TypeAlias = Annotated[str, Text(_mail_address, {**_STRING, "examples": ["finops@example.com"]})]
Region: TypeAlias = Annotated[str, choice("us", "eu")]


class QuietHoursPart(Part):
    """Hours in which notices wait."""

    from_: ClockTime = Field(alias="from", description="Notices wait from this local time on.")
    to: ClockTime = Field(description="They are sent as one summary at this local time.")
    except_: tuple[SeverityWord, ...] = Field((), alias="except", description="These severities do not wait.")

    def complaints(self) -> Iterator[Complaint]:
        if self.from_ == self.to:
            yield Complaint("to", '"from" and "to" are the same time', "leave quiet_hours out for no quiet hours")


class DestinationPart(Part):
    """What every destination has."""

    from_: SeverityWord = Field(
        Severity.WARNING,
        alias="from",
        description="The least severity that is sent here; warning unless said otherwise.",
    )
    timezone: Zone | None = Field(None, description="The zone of the times in its messages; default the file's.")
    quiet_hours: QuietHoursPart | None = Field(None, description="Hours in which its notices wait.")


class TemplatePart(Part):
    """Words of your own for a message, as Jinja2 templates: docs/templates.md."""

    title: Template | None = Field(None, description="What stands in place of our first line.")
    body: Template | None = Field(None, description="What stands below it, down to the links.")

    def complaints(self) -> Iterator[Complaint]:
        if self.title is None and self.body is None:
            yield Complaint("", "no template stands here", 'write title: "[LLM spend] {{ headline }}", say')


class WordedPart(DestinationPart):
    """What every destination has that people read."""

    template: TemplatePart | None = Field(None, description="Words of your own in its messages.")


class SlackPart(WordedPart):
    """A Slack channel, by bot token or by incoming webhook (Mattermost and Rocket.Chat take the same)."""

    type: Literal["slack"]
    channel: Channel | None = Field(None, description='"#name" or id, with a bot token.')
    token: Secret | None = Field(None, description='A bot token, as "${SLACK_BOT_TOKEN}", which is also its default.')
    webhook_url: SecretAddress | None = Field(None, description="The address of an incoming webhook.")

    @classmethod
    def conflicts(cls, raw: dict[str, object]) -> Iterator[Complaint]:
        yield from only_one(raw, "channel", "webhook_url", required=True, example="write one of them")
        if "token" in raw and "channel" not in raw:
            yield Complaint("token", '"token" needs a "channel"', 'write channel: "#name"')


class WebhookPart(DestinationPart):
    """An HTTP endpoint of your own, signed as Standard Webhooks says."""

    type: Literal["webhook"]
    url: SecretAddress = Field(description="Where to POST to.")
    secret: Secret | None = Field(None, description='The signing secret, as "${HOOK_SECRET}"; unsigned without.')
    secrets: tuple[Secret, ...] | None = Field(None, description="Several, while one replaces the other.")

    @classmethod
    def conflicts(cls, raw: dict[str, object]) -> Iterator[Complaint]:
        yield from only_one(raw, "secret", "secrets")
        if "template" in raw:
            right = "remove it: its receiver words what it shows by the fields (docs/webhook.md)"
            yield Complaint("template", "a webhook takes no template, what it sends is for programs", right)


class ConsolePart(WordedPart):
    """The daemon's own terminal or log."""

    type: Literal["console"]


class AlertmanagerPart(DestinationPart):
    """A Prometheus Alertmanager. It groups, repeats and keeps quiet by itself: quiet hours and repeat do not apply."""

    type: Literal["alertmanager"]
    url: SecretAddress = Field(description="Its address without /api/v2/alerts; user:password@ may stand in it.")
    token: Secret | None = Field(None, description='A bearer token, as "${ALERTMANAGER_TOKEN}".')

    @classmethod
    def conflicts(cls, raw: dict[str, object]) -> Iterator[Complaint]:
        if "template" in raw:
            right = "remove it: Alertmanager has templates of its own"
            yield Complaint("template", "an Alertmanager takes no template", right)


class PagerdutyPart(WordedPart):
    """PagerDuty's Events API."""

    type: Literal["pagerduty"]
    routing_key: Secret = Field(description="The key of an Events API v2 integration.")
    region: Region | None = Field(None, description="Where the account lives, us or eu; us unless said otherwise.")
    url: WebAddress | None = Field(None, description="Another address of the Events API, such as a proxy's.")

    @classmethod
    def conflicts(cls, raw: dict[str, object]) -> Iterator[Complaint]:
        yield from only_one(raw, "region", "url")


class EmailPart(WordedPart):
    """Mail through an SMTP server."""

    type: Literal["email"]
    to: tuple[MailAddress, ...] = Field(description="Who receives it.", min_length=1)
    smtp: Secret = Field(description="smtp://user:password@host:587, or smtps://user:password@host:465.")
    sender: MailAddress | None = Field(None, description="Whom it comes from; default the user of the server.")


class ApprisePart(WordedPart):
    """Whatever Apprise knows; needs the extra `apprise`."""

    type: Literal["apprise"]
    url: Secret = Field(description="An Apprise address.")


DestinationUnion: TypeAlias = (
    SlackPart | WebhookPart | ConsolePart | AlertmanagerPart | PagerdutyPart | EmailPart | ApprisePart
)
AnyDestination: TypeAlias = Annotated[DestinationUnion, Field(discriminator="type")]
