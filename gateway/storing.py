"""Keeps the answers of requests with `store: true`, beside the traffic: they can be listed a moment later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domain.clients import StoredCompletion
from gateway.dialects.chat.assembly import assembled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateway.request import Request
    from gateway.served import Served


class _Named(msgspec.Struct):
    id: str


_NAMED = msgspec.json.Decoder(_Named)


class Storing:
    """Turns answered requests into stored completions and hands them on without waiting."""

    def __init__(self, offer: Callable[[StoredCompletion], bool], *, now_s: Callable[[], float]) -> None:
        self._offer = offer
        self._now_s = now_s

    def offer(self, request: Request, served: Served, sent: Sequence[bytes]) -> bool:
        """Keep what the client got; `sent` are the events of a live stream.  False: it was dropped, and counted."""
        received = served.received
        events = sent if served.live is not None else received.events
        body = received.body if events is None else assembled(events)
        try:
            name = _NAMED.decode(body).id
        except msgspec.DecodeError:
            return False  # a server that names no answer cannot be asked for it
        call = request.call
        return self._offer(
            StoredCompletion(
                id=name,
                owner=request.owner,
                task=request.route.name,
                model=call.model,
                at=self._now_s(),
                metadata=dict(call.metadata),
                request=call.body,
                body=body,
            )
        )
