"""What every `domain.ports.Notifier` must keep to, wherever it sends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec
import pytest

from domain.errors import UpstreamError
from domain.follow_up import SignalEvent, SignalState
from domain.ports import Notifier
from domain.records import Signal, SignalKind

SIGNAL = Signal(
    id="sig-1",
    task="intent",
    kind=SignalKind.RETRAIN,
    reason="agreement",
    at=1_700_000_000.0,
    detector="agreement",
    model="intent-v1",
    evidence=1.2,
    samples=180,
    false_alarm_budget="one in 30 days",
)


class Receiver(Protocol):
    """A notifier, and what its receiver heard."""

    @property
    def notifier(self) -> Notifier:
        """What is checked."""
        ...

    @property
    def heard(self) -> Sequence[str]:
        """Ids of signals, in the order of arrival."""
        ...


Receive = Callable[[Sequence[bool]], AbstractAsyncContextManager[Receiver]]  # accepts or refuses, in turn


async def a_signal_is_delivered_once(receive: Receive) -> None:
    """One call, one delivery, with the signal's own id."""
    async with receive([True]) as receiver:
        await receiver.notifier.notify(SIGNAL)
        assert receiver.heard == ["sig-1"]


async def a_refusal_is_an_error_and_may_be_tried_again(receive: Receive) -> None:
    """The caller hears of a refusal; a second try goes out with the same id."""
    async with receive([False, True]) as receiver:
        with pytest.raises(UpstreamError) as caught:
            await receiver.notifier.notify(SIGNAL)
        assert "\n" not in str(caught.value)
        await receiver.notifier.notify(SIGNAL)
        assert receiver.heard == ["sig-1", "sig-1"]


async def signals_at_once_all_arrive(receive: Receive) -> None:
    """Concurrent deliveries do not lose or mix anything, and both kinds go out."""
    ids = [f"sig-{number}" for number in range(10)]
    async with receive([True] * 10) as receiver:
        signals = [msgspec.structs.replace(SIGNAL, id=one, kind=list(SignalKind)[int(one[-1]) % 2]) for one in ids]
        await asyncio.gather(*(receiver.notifier.notify(signal) for signal in signals))
        assert sorted(receiver.heard) == ids


async def what_followed_a_signal_goes_out_too(receive: Receive) -> None:
    """An event is delivered like a signal, with an id of its own."""
    state = SignalState.ACKNOWLEDGED
    event = SignalEvent(id="event-1", task="intent", signal_id="sig-1", state=state, at=SIGNAL.at, by="ada")
    async with receive([True, True]) as receiver:
        await receiver.notifier.notify(SIGNAL)
        await receiver.notifier.notify(event)
        assert receiver.heard == ["sig-1", "event-1"]


async def closing_twice_is_fine(receive: Receive) -> None:
    """`aclose` may be called before anything was sent, and again."""
    async with receive([]) as receiver:
        await receiver.notifier.aclose()
        await receiver.notifier.aclose()


CHECKS = (
    a_signal_is_delivered_once,
    a_refusal_is_an_error_and_may_be_tried_again,
    signals_at_once_all_arrive,
    what_followed_a_signal_goes_out_too,
    closing_twice_is_fine,
)
