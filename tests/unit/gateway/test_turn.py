"""A turn: what an application receives, what it sends, and what becomes of it when it does not."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from gateway import heads
from gateway.framing import Terms
from gateway.turn import Turn

START = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]}
STREAM = {"type": "http.response.start", "status": 200, "headers": []}
DISCONNECT = {"type": "http.disconnect"}


def body(data, *, more=False):
    """A piece of an answer."""
    return {"type": "http.response.body", "body": data, "more_body": more}


class Line:
    """A connection that keeps what it is given; `flow` is itself."""

    def __init__(self, app=None, **terms) -> None:
        self.app, self.flow = app, self
        self.writes, self.over, self.cut, self.paused = [], [], [], False
        self.write_paused, self.drained = False, asyncio.Event()
        self.turn = Turn(self, {"path": "/"}, Terms(**{"keep_alive": True, **terms}))

    def common(self):
        return b"date: now\r\n"

    def write(self, data):
        self.writes.append(data)

    def ran(self, turn):
        self.ended = True

    def answered(self, turn):
        self.over.append(turn.keep_alive)

    def cut_off(self, *, reset):
        self.cut.append(reset)

    def pause_reading(self):
        self.paused = True

    def resume_reading(self):
        self.paused = False

    async def drain(self):
        await self.drained.wait()

    @property
    def written(self):
        """All bytes."""
        return b"".join(self.writes)


async def test_a_whole_answer_is_one_write():
    """Head and body go out together, and the turn is over."""
    line = Line()
    await line.turn.send(START)
    assert line.writes == []
    await line.turn.send(body(b"hello"))
    assert line.writes == [b"HTTP/1.1 200 OK\r\ndate: now\r\ncontent-length: 5\r\n\r\nhello"]
    assert line.over == [True]


async def test_a_large_answer_is_not_copied():
    """Its body is written as it is."""
    line, large = Line(), bytes(100_000)
    await line.turn.send(STREAM)
    await line.turn.send(body(large))
    assert line.writes[1] is large


async def test_a_stream_goes_out_piece_by_piece():
    """An empty first piece sends the head; every other piece is one write at once."""
    line = Line()
    await line.turn.send(STREAM)
    for message in (body(b"", more=True), body(b"ab", more=True), body(b"")):
        await line.turn.send(message)
    assert line.writes[1:] == [b"2\r\nab\r\n", b"0\r\n\r\n"]
    assert b"transfer-encoding: chunked" in line.writes[0]


@pytest.mark.parametrize(
    ("terms", "messages", "end"),
    [
        ({"head_only": True}, [STREAM, body(b"hello")], b"now\r\n\r\n"),
        ({"head_only": True}, [START, body(b"hello")], b"content-length: 5\r\n\r\n"),
        ({"chunks": False}, [STREAM, body(b"he", more=True), body(b"llo")], b"connection: close\r\n\r\nhello"),
        ({"keep_alive": False}, [START, body(b"hello")], b"content-length: 5\r\nconnection: close\r\n\r\nhello"),
    ],
)
async def test_an_answer_keeps_to_its_terms(terms, messages, end):
    """No body for HEAD, no chunks for HTTP/1.0, and a last answer says so."""
    line = Line(**terms)
    for message in messages:
        await line.turn.send(message)
    assert line.written.endswith(end)
    assert line.over == [terms == {"head_only": True}]


@pytest.mark.parametrize(
    "messages",
    [
        [body(b"x")],
        [START, START],
        [START, body(b"four")],
        [START, body(b"sixsix")],
        [START, body(b"hello"), body(b"")],
        [START, body(b"hello"), START],
        [{"type": "http.response.start", "status": 200, "headers": [(b"x", b"\r\n")]}, body(b"")],
    ],
)
async def test_messages_that_make_no_answer_are_errors(messages):
    """The application is told by an exception."""
    line = Line()
    for message in messages[:-1]:
        await line.turn.send(message)
    with pytest.raises((RuntimeError, ValueError)):
        await line.turn.send(messages[-1])


async def test_a_body_is_received_in_any_number_of_pieces():
    """What has come is handed over at once; the last piece says that it is the last; then nothing but the end comes."""
    turn = Line().turn
    turn.feed(b"ab")
    turn.feed(b"c")
    turn.feed(b"d")
    assert await turn.receive() == {"type": "http.request", "body": b"abcd", "more_body": True}
    waiting = asyncio.ensure_future(turn.receive())
    await asyncio.sleep(0)
    turn.end_body()
    assert await waiting == {"type": "http.request", "body": b"", "more_body": False}
    waiting = asyncio.ensure_future(turn.receive())
    await asyncio.sleep(0)
    assert not waiting.done()
    turn.leave(lost=True)
    assert await waiting == DISCONNECT


async def test_a_body_that_is_not_taken_pauses_the_client():
    """Above 64 KiB nothing more is read until the application takes it, the last piece too."""
    line = Line()
    line.turn.feed(bytes(60_000))
    assert not line.paused
    line.turn.feed(bytes(60_000))
    line.turn.end_body()
    assert line.paused
    assert (await line.turn.receive())["more_body"] is False
    assert not line.paused


async def test_a_client_that_waits_is_told_to_go_on_once():
    """Only when the application wants the body, and never when it has begun to come."""
    line = Line()
    line.turn.expects_continue = True
    waiting = asyncio.ensure_future(line.turn.receive())
    await asyncio.sleep(0)
    assert line.writes == [b"HTTP/1.1 100 Continue\r\n\r\n"]
    line.turn.feed(b"a")
    await waiting
    other = Line()
    other.turn.expects_continue = True
    other.turn.feed(b"a")
    await other.turn.receive()
    assert (len(line.writes), other.writes) == (1, [])


async def test_an_answer_without_the_body_that_a_client_waits_to_send_is_the_last():
    """The body may come or not, so that nothing can follow it."""
    line = Line()
    line.turn.expects_continue = True
    await line.turn.send(STREAM)
    await line.turn.send(body(b""))
    assert b"connection: close" in line.written
    assert line.over == [False]


async def test_a_slow_reader_holds_the_application():
    """Nothing is sent while the connection is full."""
    line = Line()
    await line.turn.send(STREAM)
    line.write_paused = True
    sending = asyncio.ensure_future(line.turn.send(body(b"x")))
    await asyncio.sleep(0)
    assert line.writes == []
    line.drained.set()
    await sending
    assert line.writes


async def test_the_callback_runs_when_the_client_leaves():
    """At once, once, and not after the answer is complete; late askers are told too."""
    told = []
    line = Line()
    line.turn.when_gone(lambda: told.append("left"))
    line.turn.leave(lost=False)
    line.turn.leave(lost=True)
    assert told == ["left"]
    line.turn.when_gone(lambda: told.append("late"))
    await asyncio.sleep(0)
    assert told == ["left", "late"]
    answered = Line()
    answered.turn.when_gone(lambda: told.append("never"))
    await answered.turn.send(START)
    await answered.turn.send(body(b"hello"))
    answered.turn.leave(lost=True)
    assert "never" not in told


async def test_a_client_that_only_stopped_sending_is_still_answered():
    """The body that came is received, then the disconnect; an answer still goes out."""
    line = Line()
    line.turn.feed(b"abc")
    line.turn.end_body()
    line.turn.leave(lost=False)
    assert (await line.turn.receive())["body"] == b"abc"
    assert await line.turn.receive() == DISCONNECT
    await line.turn.send(START)
    await line.turn.send(body(b"hello"))
    assert line.over == [True]


async def test_nothing_is_sent_to_who_is_lost():
    """The application may go on; nobody hears it."""
    line = Line()
    line.turn.leave(lost=True)
    await line.turn.send(START)
    await line.turn.send(body(b"hello"))
    assert line.writes == []


async def test_a_refusal_takes_the_applications_place():
    """It is written at once, the application learns that its client is gone, and what it sends is dropped."""
    told = []
    line = Line()
    line.turn.when_gone(lambda: told.append(1))
    line.turn.refuse(heads.too_slow())
    await line.turn.send(START)
    await line.turn.send(body(b"hello"))
    assert line.written.startswith(b"HTTP/1.1 408 ")
    assert line.written.endswith(heads.too_slow().body)
    assert (told, line.over, line.cut) == ([1], [False], [])
    line.turn.refuse(heads.too_long())
    assert line.over == [False]


async def test_a_refusal_of_head_has_no_body():
    """Only the length of what GET would get."""
    line = Line(head_only=True)
    line.turn.refuse(heads.too_slow())
    assert line.written.endswith(b"connection: close\r\n\r\n")


@pytest.mark.parametrize(("terms", "reset"), [({}, False), ({"chunks": False}, True)])
async def test_an_answer_that_has_begun_is_cut_off_by_a_refusal(terms, reset):
    """The client sees that it is not complete: by its framing, or else by a reset."""
    line = Line(**terms)
    await line.turn.send(STREAM)
    await line.turn.send(body(b"part", more=True))
    line.turn.refuse(heads.malformed("x"))
    assert (line.cut, line.over) == ([reset], [])


async def _silent(scope, receive, send):
    pass


async def _fails(scope, receive, send):
    raise ValueError("secret")


async def _half(scope, receive, send):
    await send(STREAM)
    await send(body(b"part", more=True))


async def _only_starts(scope, receive, send):
    await send(START)


@pytest.mark.parametrize(
    ("app", "status", "cut"),
    [(_silent, b"500", []), (_fails, b"500", []), (_only_starts, b"500", []), (_half, b"200", [False])],
)
async def test_a_client_never_waits_for_an_application_that_has_ended(app, status, cut):
    """It gets a 500 without details, or sees that the answer broke off."""
    line = Line(app)
    await line.turn.run()
    assert line.written.split()[1] == status
    assert b"secret" not in line.written
    assert (line.cut, line.ended) == (cut, True)


async def test_an_application_that_gives_up_on_who_has_left_says_nothing():
    """The connection ends, and nothing is reported as a failure."""
    line = Line(_silent)
    line.turn.leave(lost=False)
    await line.turn.run()
    assert (line.writes, line.over) == ([], [False])


def test_a_turn_begins_with_the_application_or_its_refusal():
    """A turn that was refused while it waited never reaches the application."""
    line, ran = Line(), []
    line.run = ran.append
    line.turn.begin()
    assert ran == [line.turn]
    other = Line()
    other.turn.refusal = heads.too_slow()
    other.turn.begin()
    assert other.written.startswith(b"HTTP/1.1 408")


async def test_a_turn_that_is_over_is_freed_at_once():
    """The scope knows its turn; nothing of a request may be left for the garbage collector to find."""

    async def answers(scope, receive, send):
        await send(START)
        await send(body(b"hello"))

    line = Line(answers)
    line.turn.scope = {"path": "/", "extensions": {"preceptor.gone": line.turn.when_gone}}
    turn = weakref.ref(line.turn)
    await line.turn.run()
    gc.disable()
    try:
        line.turn = None
        assert turn() is None
    finally:
        gc.enable()
