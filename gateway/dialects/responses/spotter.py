"""Where the texts of a stream of events stand in its response, and when they are complete."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gateway import sse
from gateway.dialect import Spotted, Stretch
from gateway.dialects.responses.answer import LAST
from gateway.dialects.responses.telling import Telling
from gateway.dialects.responses.texts import Walk

if TYPE_CHECKING:
    from gateway.dialect import Spotter


class _Typed(msgspec.Struct):
    type: str = ""


_TYPED = msgspec.json.Decoder(_Typed)


class ResponsesSpotter:
    """Implements `gateway.dialect.Spotter` with the walk and the telling of the reader, so that both always agree.

    A text is complete when an event that closes its part, its item or the response tells it whole; one that announces
    an item may tell a beginning.
    """

    def __init__(self) -> None:
        self._walk = Walk(self._take)
        self._telling = Telling()
        self._found: list[Stretch] = []

    def spot(self, data: bytes) -> Spotted:
        """See `gateway.dialect.Spotter`."""
        if data == sse.DONE:
            return Spotted()
        self._found = []
        self._walk.event(data)
        kind = _TYPED.decode(data).type
        closing = kind.endswith(".done") or kind in LAST
        return Spotted(tuple(self._found), tuple([each.slot for each in self._found]) if closing else ())

    def _take(self, place: str, text: str, piece: bool) -> str:
        if text:
            place, start, end = self._telling.take(place, text, piece=piece)
            self._found.append(Stretch((0, place), start, end))
        return text


if TYPE_CHECKING:
    _: Spotter = ResponsesSpotter()
