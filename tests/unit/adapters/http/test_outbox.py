"""The outbox: what is written in one turn of the loop leaves together, in order, and before our own closing."""

from __future__ import annotations

import asyncio

import pytest

from adapters.http.outbox import Outbox


class Transport(asyncio.Transport):
    """Keeps what is done to it."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[bytes | str] = []
        self.closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.done.append(bytes(data))

    def write_eof(self) -> None:
        self.done.append("eof")

    def close(self) -> None:
        self.done.append("closed")

    def is_closing(self) -> bool:
        return self.closing


@pytest.fixture
async def transport() -> Transport:
    """A socket that is open."""
    return Transport()


@pytest.fixture
async def outbox(transport: Transport) -> Outbox:
    """The outbox of the socket, on the loop of the test."""
    return Outbox(transport, asyncio.get_running_loop())


async def test_the_writes_of_a_turn_leave_as_one_at_its_end(transport: Transport, outbox: Outbox) -> None:
    """Nothing is sent while the turn goes on, everything once, in order, before the next."""
    for turn in (b"one", b"two"):
        outbox.write(turn)
        outbox.write(b", ")
        assert turn + b", " not in transport.done
        await asyncio.sleep(0)
    assert transport.done == [b"one, ", b"two, "]


@pytest.mark.parametrize("end", ["close", "write_eof"])
async def test_what_waits_leaves_before_the_end(transport: Transport, outbox: Outbox, end: str) -> None:
    """Whoever ends the connection in the same turn cuts nothing off, and nothing is sent twice."""
    outbox.write(b"last words")
    getattr(outbox, end)()
    await asyncio.sleep(0)
    assert transport.done == [b"last words", {"close": "closed", "write_eof": "eof"}[end]]


async def test_a_slow_peer_is_noticed_in_time(transport: Transport, outbox: Outbox) -> None:
    """Over 64 KiB go out at once: who writes without a pause must learn from the transport that it has to make one."""
    outbox.write(b"a" * 40_000)
    assert not transport.done
    outbox.write(b"b" * 40_000)
    assert transport.done == [b"a" * 40_000 + b"b" * 40_000]
    outbox.write(b"c" * 70_000)
    outbox.write(b"d")
    await asyncio.sleep(0)
    assert transport.done[1:] == [b"c" * 70_000, b"d"]


async def test_nothing_is_written_to_a_socket_that_closes(transport: Transport, outbox: Outbox) -> None:
    """A connection that was lost within the turn gets nothing more, and nothing is kept for it."""
    outbox.write(b"late")
    transport.closing = True
    await asyncio.sleep(0)
    transport.closing = False
    outbox.flush()
    assert not transport.done


async def test_the_first_does_not_wait_for_dozens() -> None:
    """Four connections leave together at once; what one of them writes afterwards leaves with the next."""
    transports = [Transport() for _ in range(6)]
    outboxes = [Outbox(transport, asyncio.get_running_loop()) for transport in transports]
    for outbox in outboxes[:3]:
        outbox.write(b"a")
    assert not any(transport.done for transport in transports)
    outboxes[3].write(b"a")
    outboxes[0].write(b"b")
    outboxes[4].write(b"a")
    assert [transport.done for transport in transports] == [[b"a"]] * 4 + [[], []]
    await asyncio.sleep(0)
    assert [transport.done for transport in transports] == [[b"a", b"b"], [b"a"], [b"a"], [b"a"], [b"a"], []]
