"""Streams whose events hold pieces of texts and never repeat one: what chat completions and completions share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from gateway.answers import Slot
from gateway.dialect import Head, Spotted, Stretch

if TYPE_CHECKING:
    from gateway.dialect import Spotter


class Pieces(NamedTuple):
    """What is in a chunk: the characters of its pieces, by text, and the choices that say why they ended."""

    chars: Mapping[Slot, int]
    ended: Sequence[int]


class _Named(msgspec.Struct):
    """What a chunk says of its answer, as far as it does."""

    id: str | None = None
    created: int | None = None
    model: str | None = None


_NAMED = msgspec.json.Decoder(_Named)


class PieceSpotter:
    """Implements `gateway.dialect.Spotter`: a piece stands where the one before it ended.

    The texts of a choice are complete when it has said why it ended; nothing tells earlier that one of them is.
    """

    def __init__(self, read: Callable[[bytes], Pieces]) -> None:
        self._read = read
        self._lengths: dict[Slot, int] = {}

    def spot(self, data: bytes) -> Spotted:
        """See `gateway.dialect.Spotter`."""
        chars, ended = self._read(data)
        found = []
        for slot, count in chars.items():
            start = self._lengths.get(slot, 0)
            end = self._lengths[slot] = start + count
            found.append(Stretch(slot, start, end))
        closed = tuple([slot for slot in self._lengths if slot[0] in ended]) if ended else ()
        return Spotted(tuple(found), closed)


def head(chunk: bytes, own: Head) -> Head:
    """How a chunk names its answer; `own` where it does not."""
    try:
        named = _NAMED.decode(chunk)
    except msgspec.DecodeError:
        return own
    return Head(named.id or own.id, named.created or own.created, named.model or own.model)


if TYPE_CHECKING:
    _: Spotter = PieceSpotter(lambda data: Pieces({}, ()))
