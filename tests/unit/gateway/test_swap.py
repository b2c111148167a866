"""The swap: no request notices that the application was exchanged under it."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from domain.errors import StoreError
from gateway.swap import Swap


class Generation:
    """Answers with its name; `gate` holds requests up; `broken` is raised by its start, `stuck` by its end."""

    def __init__(self, name, *, broken=None, stuck=None):
        self.name = name
        self.broken = broken
        self.stuck = stuck
        self.gate = asyncio.Event()
        self.gate.set()
        self.events = []

    async def app(self, scope, receive, send):
        self.events.append("asked")
        await self.gate.wait()
        assert "closed" not in self.events
        await send(self.name)

    async def start(self):
        self.events.append("started")
        if self.broken:
            raise self.broken

    async def aclose(self):
        self.events.append("closed")
        if self.stuck:
            raise self.stuck


async def ask(swap):
    """Who answers a request."""
    said = []

    async def send(message):
        said.append(message)

    await swap({"type": "http"}, None, send)
    return said[0]


def asking(swap):
    """A request that runs in the background."""
    return asyncio.get_running_loop().create_task(ask(swap))


async def settled():
    """Let everything that can happen happen."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_new_requests_meet_the_new_generation_and_running_ones_keep_the_old():
    """The old one is closed after its last request, not before."""
    old, new = Generation("old"), Generation("new")
    async with Swap(old) as swap:
        old.gate.clear()
        running = [asking(swap), asking(swap)]
        await settled()
        await swap.replace(new)
        assert await ask(swap) == "new"
        assert "closed" not in old.events
        old.gate.set()
        assert [await call for call in running] == ["old", "old"]
        await settled()
        assert old.events == ["started", "asked", "asked", "closed"]
    assert new.events == ["started", "asked", "closed"]


async def test_an_idle_generation_is_closed_at_once():
    """Nothing is kept of what nobody uses."""
    old = Generation("old")
    async with Swap(old) as swap:
        await swap.replace(Generation("new"))
        await settled()
        assert old.events == ["started", "closed"]


async def test_a_failing_or_cancelled_request_counts_as_ended():
    """A generation whose requests broke is drained, too."""
    old = Generation("old")
    async with Swap(old) as swap:
        old.gate.clear()
        cancelled = asking(swap)
        await settled()
        await swap.replace(Generation("new"))
        cancelled.cancel()
        await asyncio.wait([cancelled])
        await settled()
        assert old.events[-1] == "closed"


async def test_a_start_that_fails_keeps_the_old():
    """The new generation is closed, its error is raised, and the old one serves on."""
    old, new = Generation("old"), Generation("new", broken=StoreError("no"))
    async with Swap(old) as swap:
        with pytest.raises(StoreError):
            await swap.replace(new)
        assert new.events == ["started", "closed"]
        assert await ask(swap) == "old"


async def test_after_the_drain_time_a_generation_is_closed(caplog):
    """A request that never ends does not keep a generation alive for ever; that is told."""
    old = Generation("old")
    async with Swap(old, drain_s=0.0) as swap:
        old.gate.clear()
        running = asking(swap)
        await settled()
        await swap.replace(Generation("new"))
        async with asyncio.timeout(5):
            while "closed" not in old.events:
                await asyncio.sleep(0.001)
        assert "generation_not_drained requests=1 after_s=0.0" in caplog.text
        running.cancel()
        await asyncio.wait([running])


async def test_many_generations_can_drain_at_once_and_all_end_with_the_process():
    """Each is closed exactly once, at the latest when the swap is left, whatever the closing of another raises."""
    generations = [Generation(str(number), stuck=StoreError("no") if number == 2 else None) for number in range(5)]
    calls = []
    async with Swap(generations[0]) as swap:
        for number, generation in enumerate(generations):
            if number:
                await swap.replace(generation)
            generation.gate.clear()
            calls.append(asking(swap))
            await settled()
        for generation in generations[:2]:
            generation.gate.set()
        assert await asyncio.gather(*calls[:2]) == ["0", "1"]
        for call in calls[2:]:
            call.cancel()
        await asyncio.wait(calls)
    assert [generation.events for generation in generations] == [["started", "asked", "closed"]] * 5


async def test_a_draining_generation_does_not_hold_up_the_end():
    """The server has waited for requests already: leaving closes what still drains."""
    old = Generation("old")
    async with Swap(old) as swap:
        old.gate.clear()
        running = asking(swap)
        await settled()
        await swap.replace(Generation("new"))
    assert old.events[-1] == "closed"
    running.cancel()
    await asyncio.wait([running])


async def lifespan(swap, *, until=None):
    """The messages that an ASGI server gets from a lifespan; `until` is awaited between its two phases."""
    sent = []
    phases = iter(["lifespan.startup", "lifespan.shutdown"])

    async def receive():
        phase = next(phases)
        if phase == "lifespan.shutdown" and until:
            await until()
        return {"type": phase}

    async def send(message):
        sent.append(message)

    with contextlib.suppress(StoreError, ZeroDivisionError):
        await swap({"type": "lifespan"}, receive, send)
    return sent


async def test_the_lifespan_starts_the_first_and_closes_the_last():
    """An ASGI server that starts and stops the application starts and stops its generations."""
    first = Generation("first")
    swap = Swap(first)

    async def replace():
        assert first.events == ["started"]
        await swap.replace(Generation("second"))

    assert await lifespan(swap, until=replace) == [
        {"type": "lifespan.startup.complete"},
        {"type": "lifespan.shutdown.complete"},
    ]
    assert first.events == ["started", "closed"]
    assert swap._current.generation.events == ["started", "closed"]


@pytest.mark.parametrize(
    ("error", "message"), [(StoreError("the store is locked"), "the store is locked"), (ZeroDivisionError(), "ZeroDiv")]
)
async def test_a_first_start_that_fails_is_told_to_the_server(error, message):
    """The process must not serve; what was started is closed."""
    first = Generation("first", broken=error)
    (sent,) = await lifespan(Swap(first))
    assert sent["type"] == "lifespan.startup.failed"
    assert message in sent["message"]
    assert first.events == ["started", "closed"]


async def test_the_lifespan_can_be_wider_than_the_generations():
    """What outlives generations is opened before the first and closed after the last."""
    first = Generation("first")
    order = first.events

    @contextlib.asynccontextmanager
    async def wider():
        order.append("opened")
        async with swap:
            yield
        order.append("shut")

    swap = Swap(first, lifespan=wider)
    await lifespan(swap)
    assert order == ["opened", "started", "closed", "shut"]
