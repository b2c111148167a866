"""The connection: order, ends, and who is waited for how long."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
import uvicorn
from uvicorn.server import ServerState

from gateway import metrics
from gateway.deadline import LOOK_S
from gateway.protocol import BODY_S, HEAD_S, LINGER_S, MOST_LINGER_S, READER_S, GatewayProtocol
from gateway.reading import GONE

IDLE_S = 75
GET = b"GET /%d HTTP/1.1\r\n\r\n"
POST = b"POST /%d HTTP/1.1\r\ncontent-length: 3\r\n\r\n"


class Transport(asyncio.Transport):
    """A socket that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written, self.state, self.reading = b"", "open", True

    def write(self, data):
        self.written += data

    def is_closing(self):
        return self.state in {"closed", "aborted"}

    def close(self):
        self.state = "closed"

    def abort(self):
        self.state = "aborted"

    def can_write_eof(self):
        return True

    def write_eof(self):
        self.state = "half-closed"

    def pause_reading(self):
        self.reading = False

    def resume_reading(self):
        self.reading = True


class Loop:
    """The running loop with a time of its own."""

    def __init__(self) -> None:
        self.now, self.timers = 1000.0, []
        self.create_task, self.call_soon = asyncio.get_running_loop().create_task, asyncio.get_running_loop().call_soon

    def time(self):
        return self.now

    def call_later(self, delay, callback):
        timer = [self.now + delay, callback, asyncio.Event()]
        self.timers.append(timer)
        return Handle(timer[2])

    def pass_(self, seconds):
        """Time goes by, with its timers."""
        until = self.now + seconds
        while due := [timer for timer in self.timers if timer[0] <= until and not timer[2].is_set()]:
            timer = min(due, key=lambda timer: timer[0])
            timer[2].set()
            self.now = timer[0]
            timer[1]()
        self.now = until


class Handle:
    def __init__(self, cancelled) -> None:
        self.cancel = cancelled.set


class Client:
    """A connection to an application that answers with the path and the body, at once or when it is let."""

    def __init__(self) -> None:
        self.loop, self.transport, self.state = Loop(), Transport(), ServerState()
        self.gates: dict[str, asyncio.Event] = {}
        self.gone: list[str] = []
        config = uvicorn.Config(
            self._app, interface="asgi3", log_config=None, ws="none", proxy_headers=False, timeout_keep_alive=IDLE_S
        )
        self.protocol = GatewayProtocol(config, self.state, {}, _loop=self.loop)
        self.protocol.connection_made(self.transport)

    async def _app(self, scope, receive, send):
        path, received, more = scope["path"], b"", True
        scope["extensions"][GONE](lambda: self.gone.append(path))
        if path in self.gates and path.startswith("/early"):
            more = False
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            received, more = received + message["body"], message["more_body"]
        if path in self.gates:
            await self.gates[path].wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": path.encode() + received})

    async def say(self, *pieces):
        """Send bytes, and let the application work."""
        for piece in pieces:
            self.protocol.data_received(piece)
        for _ in range(40):
            await asyncio.sleep(0)

    @property
    def statuses(self):
        """Of the answers so far."""
        return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", self.transport.written)]


@pytest.fixture
async def client():
    """A client that leaves no task behind."""
    found = Client()
    yield found
    found.protocol.connection_lost(None)
    for gate in found.gates.values():
        gate.set()
    while found.state.tasks:
        await asyncio.sleep(0)


async def test_requests_are_answered_in_their_order(client):
    """The second waits for the first, though it could be answered at once."""
    client.gates["/1"] = asyncio.Event()
    await client.say(GET % 1 + POST % 2 + b"abc" + GET % 3)
    assert client.transport.written == b""
    client.gates["/1"].set()
    await client.say()
    bodies = [part.rpartition(b"\r\n\r\n")[2] for part in client.transport.written.split(b"HTTP/1.1 ")[1:]]
    assert bodies == [b"/1", b"/2abc", b"/3"]
    assert client.state.total_requests == 3


async def test_the_server_knows_the_applications_that_run(client):
    """It waits for them at its end, also for what they do after their answer."""
    client.gates["/1"] = asyncio.Event()
    await client.say(GET % 1)
    assert len(client.state.tasks) == 1
    client.gates["/1"].set()
    await client.say()
    assert client.state.tasks == set()


async def test_many_waiting_requests_pause_the_client(client):
    """They are bounded, and read on when one is answered."""
    client.gates["/0"] = asyncio.Event()
    await client.say(*[GET % number for number in range(16)])
    assert client.transport.reading
    await client.say(GET % 16)
    assert not client.transport.reading
    client.gates["/0"].set()
    await client.say()
    assert client.transport.reading
    assert len(client.statuses) == 17


async def test_a_broken_request_is_answered_last(client):
    """The answers that are due go out first; then the error, and the end of our side; it is counted."""
    before = metrics.REFUSED.labels("invalid_http")._value.get()
    client.gates["/1"] = asyncio.Event()
    await client.say(GET % 1 + POST % 2 + b"abcrubbish")
    assert client.statuses == []
    client.gates["/1"].set()
    await client.say(b"more rubbish")
    assert client.statuses == [200, 200, 400]
    assert client.transport.state == "half-closed"
    assert json.loads(client.transport.written.rpartition(b"\r\n\r\n")[2])["error"]["code"] == "invalid_http"
    assert metrics.REFUSED.labels("invalid_http")._value.get() == before + 1


@pytest.mark.parametrize("waits", [False, True])
async def test_a_body_that_breaks_ends_its_own_request(client, waits):
    """Whether its application runs or its turn has not come: 400, and the application never answers it."""
    client.gates["/1"] = asyncio.Event()
    chunked = b"POST /2 HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"
    await client.say(GET % 1 + chunked if waits else chunked, b"zz\r\n")
    client.gates["/1"].set()
    await client.say()
    assert client.statuses == ([200, 400] if waits else [400])
    assert "/1" not in client.gone


async def test_a_client_that_is_lost_stops_every_turn(client):
    """The one that runs is told at once; those that wait never begin."""
    client.gates.update({"/1": asyncio.Event(), "/2": asyncio.Event()})
    await client.say(GET % 1 + GET % 2)
    client.protocol.connection_lost(ConnectionResetError())
    assert client.gone == ["/1"]
    assert client.protocol not in client.state.connections
    client.gates["/1"].set()
    await client.say(GET % 3)
    assert (client.transport.written, client.gone) == (b"", ["/1"])


async def test_a_half_closed_client_is_gone_and_still_answered(client):
    """The turn that runs is told; the connection ends with the last answer."""
    client.gates["/1"] = asyncio.Event()
    await client.say(GET % 1 + GET % 2)
    assert client.protocol.eof_received() is True
    assert client.gone == ["/1"]
    client.gates["/1"].set()
    await client.say()
    assert (client.statuses, client.gone) == ([200, 200], ["/1"])
    assert client.transport.state == "closed"


async def test_an_idle_client_that_closes_is_let_go(client):
    """Nothing is due to it."""
    assert client.protocol.eof_received() is False
    await client.say(GET % 1)
    assert client.protocol.eof_received() is False


@pytest.mark.parametrize(
    ("said", "after_s", "statuses", "state"),
    [
        ([], HEAD_S, [], "closed"),
        ([b"GET / HT"], HEAD_S, [408], "half-closed"),
        ([POST % 1], BODY_S, [408], "half-closed"),
        ([GET % 1], IDLE_S, [200], "closed"),
        ([GET % 1, b"GET /"], HEAD_S, [200, 408], "half-closed"),
        ([GET % 1, b"\r\n"], IDLE_S, [200], "closed"),
    ],
)
async def test_who_is_slow_is_not_waited_for(client, said, after_s, statuses, state):
    """No sooner and no later: a silent client is closed, one that has begun to ask is told why."""
    client.loop.pass_(0)
    await client.say(*said)
    client.loop.pass_(after_s - 0.1)
    assert client.transport.state == "open"
    client.loop.pass_(0.2)
    assert (client.statuses, client.transport.state) == (statuses, state)


async def test_a_slow_head_is_not_given_more_time_by_its_bytes(client):
    """A byte every 5 s for ever is the attack."""
    for letter in b"GET / H":
        assert client.statuses == []
        await client.say(bytes([letter]))
        client.loop.pass_(4.9)
    assert client.statuses == [408]


async def test_a_body_that_gets_on_is_waited_for(client):
    """Each piece gives it more time."""
    await client.say(POST % 1)
    for piece in (b"a", b"b", b"c"):
        client.loop.pass_(BODY_S - 1)
        await client.say(piece)
    assert client.statuses == [200]


async def test_a_model_that_thinks_is_waited_for(client):
    """A request that has arrived has no deadline here."""
    client.gates["/1"] = asyncio.Event()
    await client.say(GET % 1)
    client.loop.pass_(10_000)
    assert client.transport.state == "open"


async def test_a_reader_that_takes_nothing_is_reset(client):
    """After a long time; one that takes something is not."""
    client.gates["/1"] = asyncio.Event()
    await client.say(GET % 1)
    client.protocol.pause_writing()
    client.loop.pass_(READER_S - 1)
    client.protocol.resume_writing()
    client.loop.pass_(READER_S)
    assert client.transport.state == "open"
    client.protocol.pause_writing()
    client.loop.pass_(READER_S)
    assert client.transport.state == "aborted"


async def test_a_body_that_we_do_not_read_is_not_slow(client):
    """The client waits for us, not we for it."""
    client.gates["/early"] = asyncio.Event()
    await client.say(b"POST /early HTTP/1.1\r\ncontent-length: 100000\r\n\r\n" + bytes(70_000))
    client.loop.pass_(10 * BODY_S)
    assert (client.statuses, client.transport.state) == ([], "open")


async def test_an_early_answer_leaves_the_connection_usable(client):
    """The rest of the body is thrown away, for a while; then the next request is served."""
    client.gates["/early"] = asyncio.Event()
    client.gates["/early"].set()
    await client.say(b"POST /early HTTP/1.1\r\ncontent-length: 6\r\n\r\nabc")
    assert client.statuses == [200]
    await client.say(b"def" + GET % 2)
    assert client.statuses == [200, 200]
    await client.say(b"POST /early HTTP/1.1\r\ncontent-length: 6\r\n\r\nabc")
    client.loop.pass_(HEAD_S)
    assert client.transport.state == "half-closed"


async def test_we_linger_for_a_client_that_still_sends(client):
    """As long as it sends, but not for ever; then the connection is reset."""
    await client.say(b"rubbish\r\n\r\n")
    assert client.transport.state == "half-closed"
    for _ in range(int(MOST_LINGER_S / LINGER_S)):
        assert client.transport.state == "half-closed"
        client.loop.pass_(LINGER_S - 0.1)
        await client.say(b"more")
    client.loop.pass_(LINGER_S)
    assert client.transport.state == "aborted"


async def test_who_is_let_go_by_our_side_only_is_reset_in_the_end(client):
    """A socket that is closed and cannot be flushed does not stay for ever."""
    await client.say(b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n")
    assert client.transport.state == "closed"
    client.loop.pass_(READER_S)
    assert client.transport.state == "aborted"


@pytest.mark.parametrize(
    ("said", "state", "closing"),
    [
        ([], "closed", False),
        ([GET % 9], "closed", False),
        ([b"GET /9 HT", b"TP/1.1\r\n\r\n"], "closed", True),
        ([GET % 1], "closed", True),
        ([GET % 1 + GET % 9], "closed", True),
    ],
)
async def test_the_end_of_the_server_loses_no_request(client, said, state, closing):
    """What has come, even in part, is answered; the last answer says `connection: close`."""
    client.gates["/1"] = asyncio.Event()
    await client.say(*said[:1])
    client.protocol.shutdown()
    client.gates["/1"].set()
    await client.say(*said[1:])
    assert client.transport.state == state
    assert client.statuses == [200] * sum(piece.count(b"HT") for piece in said[:1])
    assert (b"connection: close" in client.transport.written.rpartition(b"HTTP/1.1")[2]) is closing


async def test_the_end_of_the_server_does_not_wait_long_for_a_request(client):
    """A head that does not come on is given up after seconds; then nobody lingers."""
    await client.say(b"GET /9 HT")
    client.protocol.shutdown()
    client.loop.pass_(LINGER_S)
    assert (client.statuses, client.transport.state) == ([408], "half-closed")
    client.protocol.shutdown()
    assert client.transport.state == "closed"


async def test_the_date_of_an_answer_is_the_servers(client):
    """Uvicorn's server replaces it every second."""
    for second in (b"1", b"2"):
        client.state.default_headers = [(b"date", second)]
        await client.say(GET % 1)
        assert b"date: " + second in client.transport.written


def test_every_limit_is_long_enough_for_a_timer_that_is_not_moved():
    """Only lingering moves it."""
    assert min(HEAD_S, BODY_S, READER_S, IDLE_S) >= LOOK_S


async def test_the_end_of_the_requests_does_not_overtake_an_answer(client):
    """A client that closes its sending side in the turn in which its answer is written still gets the answer."""
    client.protocol.data_received(GET % 1)
    while not client.state.total_requests:
        assert client.transport.written == b""
        await asyncio.sleep(0)
    assert client.protocol.eof_received() is False
    assert client.statuses == [200]
