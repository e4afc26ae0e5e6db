"""Just enough of the protobuf wire format to read an OTLP export: fields by number, nothing generated.

The stand-in belongs to the demo, which needs no extra; the library that generates such readers comes with the SDK
that sends. Source: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_VARINT: Final = 0
_FIXED64: Final = 1
_BYTES: Final = 2
_FIXED32: Final = 5
_LONGEST_VARINT: Final = 10


class MalformedError(ValueError):
    """The bytes are no protobuf message."""


class Message:
    """The fields of one message. A number that is absent has no values; the last value of a single field holds."""

    __slots__ = ("_fields",)

    def __init__(self, raw: bytes) -> None:
        self._fields: dict[int, list[int | bytes]] = {}
        for number, value in _fields(raw):
            self._fields.setdefault(number, []).append(value)

    def has(self, number: int) -> bool:
        return number in self._fields

    def whole(self, number: int) -> int:
        """An unsigned number: a varint or a fixed one; 0 when absent."""
        value = self._fields.get(number, [0])[-1]
        if not isinstance(value, int):
            raise MalformedError(f"field {number} holds bytes where a number belongs")
        return value

    def raw(self, number: int) -> bytes:
        value = self._fields.get(number, [b""])[-1]
        if not isinstance(value, bytes):
            raise MalformedError(f"field {number} holds a number where bytes belong")
        return value

    def text(self, number: int) -> str:
        try:
            return self.raw(number).decode()
        except UnicodeDecodeError:
            raise MalformedError(f"field {number} is no UTF-8") from None

    def message(self, number: int) -> Message:
        return Message(self.raw(number))

    def messages(self, number: int) -> Iterator[Message]:
        for value in self._fields.get(number, []):
            if not isinstance(value, bytes):
                raise MalformedError(f"field {number} holds a number where a message belongs")
            yield Message(value)


def signed(value: int) -> int:
    """The int64 that a varint stands for."""
    return value - 2**64 if value >= 2**63 else value


def double(value: int) -> float:
    """The double whose 64 bits a fixed field holds."""
    found: float = struct.unpack("<d", value.to_bytes(8, "little"))[0]
    return found


def _fields(raw: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(raw):
        key, at = _varint(raw, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _varint(raw, at)
            yield number, value
            continue
        if kind == _BYTES:
            length, at = _varint(raw, at)
        elif kind in {_FIXED64, _FIXED32}:
            length = 8 if kind == _FIXED64 else 4
        else:
            raise MalformedError(f"field {number} has the unknown wire type {kind}")
        if number == 0 or at + length > len(raw):
            raise MalformedError(f"field {number} is cut off")
        part = raw[at : at + length]
        at += length
        yield number, part if kind == _BYTES else int.from_bytes(part, "little")


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(_LONGEST_VARINT):
        if at + place >= len(raw):
            raise MalformedError("the message ends inside a number")
        byte = raw[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value & (2**64 - 1), at + place + 1
    raise MalformedError("a number has more than ten bytes")
