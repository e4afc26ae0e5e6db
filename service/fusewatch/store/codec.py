"""Values of the domain as JSON columns, and back to equal values."""

from fractions import Fraction
from typing import TypeVar

import msgspec

from fusewatch.domain.holding import Held
from fusewatch.domain.lateness import Lateness
from fusewatch.domain.notices import Incident, Message, Notice
from fusewatch.domain.prices import ModelPrices
from fusewatch.domain.rules import Matcher
from fusewatch.ports import Audited

T = TypeVar("T")


def _encode_other(value: object) -> str:
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    raise NotImplementedError(f"{type(value)} has no place in the database")


def _decode_other(kind: type, value: object) -> Fraction:
    if kind is Fraction and isinstance(value, str):
        return Fraction(value)
    raise NotImplementedError(f"{kind} has no place in the database")


_encoder = msgspec.json.Encoder(enc_hook=_encode_other)
_incident = msgspec.json.Decoder(Incident, dec_hook=_decode_other)
_message = msgspec.json.Decoder(Message, dec_hook=_decode_other)
_notice = msgspec.json.Decoder(Notice, dec_hook=_decode_other)
_held = msgspec.json.Decoder(Held, dec_hook=_decode_other)
_matchers = msgspec.json.Decoder(tuple[Matcher, ...])
_lateness = msgspec.json.Decoder(Lateness)
_models = msgspec.json.Decoder(tuple[ModelPrices, ...], dec_hook=_decode_other)
_audited = msgspec.json.Decoder(Audited)
_strings = msgspec.json.Decoder(tuple[str, ...])
_pairs = msgspec.json.Decoder(tuple[tuple[str, str], ...])


def encode(value: object) -> str:
    return _encoder.encode(value).decode()


def incident_of(text: str) -> Incident:
    return _incident.decode(text)


def message_of(text: str) -> Message:
    return _message.decode(text)


def notice_of(text: str) -> Notice:
    return _notice.decode(text)


def held_of(text: str) -> Held:
    return _held.decode(text)


def matchers_of(text: str) -> tuple[Matcher, ...]:
    return _matchers.decode(text)


def lateness_of(text: str) -> Lateness:
    return _lateness.decode(text)


def models_of(text: str) -> tuple[ModelPrices, ...]:
    return _models.decode(text)


def strings_of(text: str) -> tuple[str, ...]:
    return _strings.decode(text)


def pairs_of(text: str) -> tuple[tuple[str, str], ...]:
    return _pairs.decode(text)


def audited_of(text: str) -> Audited:
    return _audited.decode(text)
