"""Authorize: who has no key stays out, who has one comes as often as it allows."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clients import ClientKey
from domain.clock import ManualClock
from gateway.authorize import SCOPE_KEY, Authorize, Bucket, allow
from gateway.errors import ApiError
from gateway.keyring import Keyring
from gateway.limits import Errors, respond


def _key(number=1, *, rpm=0, tasks=(), revoked_at=None):
    return ClientKey(
        id=f"key-{number}",
        name=f"client {number}",
        sha256=hashlib.sha256(b"pk-%d" % number).hexdigest(),
        created_at=1.0,
        revoked_at=revoked_at,
        tasks=tasks,
        requests_per_minute=rpm,
    )


class Keys:
    """The part of the store that a keyring reads."""

    def __init__(self, *keys):
        self.kept = keys

    async def keys(self):
        return self.kept


async def _who(scope, receive, send):
    key = scope.get(SCOPE_KEY)
    await respond(send, 200, b"nobody" if key is None else key.id.encode(), [(b"x-own", b"1")])


class Door:
    """An application behind `Authorize`, with a clock that stands still."""

    def __init__(self, kit, *keys, share=1):
        self.store, self.clock, self.refused, self._kit = Keys(*keys), ManualClock(), [], kit
        self.ring = Keyring(self.store)
        self.layer = Authorize(_who, keyring=self.ring, clock=self.clock, share=share)

    async def knock(self, authorization=b"Bearer pk-1", *, path="/v1/chat/completions", headers=()):
        given = [] if authorization is None else [(b"authorization", authorization)]
        return await self._kit.drive(
            Errors(self.layer, refused=self.refused.append), b"", path=path, headers=[*headers, *given]
        )

    async def count(self, secret=b"pk-1", *, most=1000):
        """How many requests pass at this moment."""
        for passed in range(most):
            if (await self.knock(b"Bearer " + secret)).status != 200:
                return passed
        return most


@pytest.fixture
async def open_door(kit):
    """Builds doors whose keyring has its snapshot."""

    async def build(*keys, **arguments):
        door = Door(kit, *keys, **arguments)
        await door.ring.refresh()
        return door

    return build


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (b"Bearer pk-1", 200),
        (b"bearer pk-1", 200),
        (b"BEARER   pk-1 ", 200),
        (None, 401),
        (b"", 401),
        (b"Bearer", 401),
        (b"Bearer ", 401),
        (b"pk-1", 401),
        (b"Basic pk-1", 401),
        (b"Bearerpk-1", 401),
        (b"Bearer pk-2", 401),
        (b"Bearer pk-1 pk-1", 401),
        (b"Bearer client 1", 401),
        (b"Bearer key-1", 401),
        (b"Bearer \xff\x00", 401),
        (b"Bearer " + b"x" * 60_000, 401),
    ],
)
async def test_only_the_secret_of_an_active_key_opens(open_door, authorization, status):
    """Everything else is 401 in OpenAI's shape, with nothing of what was sent in the answer."""
    door = await open_door(_key(1), _key(2, revoked_at=5.0))
    reply = await door.knock(authorization)
    assert reply.status == status
    if status == 401:
        assert reply.json["error"]["code"] == "invalid_api_key"
        assert reply.json["error"]["type"] == "invalid_request_error"
        assert reply.headers["www-authenticate"] == "Bearer"
        assert b"pk-" not in reply.body
        assert b"xxx" not in reply.body
    else:
        assert reply.body == b"key-1"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/"])
async def test_health_needs_no_key(open_door, path):
    """A prober has none; and no key of a client shows there."""
    door = await open_door(_key())
    assert (await door.knock(None, path=path)).body == b"nobody"


@pytest.mark.parametrize("path", ["/v1/", "/v1/models", "/v1/anything", "/v1//models"])
async def test_everything_of_the_api_needs_a_key(open_door, path):
    """Also what does not exist: nobody without a key learns what does."""
    door = await open_door(_key())
    assert (await door.knock(None, path=path)).status == 401


async def test_nothing_but_the_key_decides(open_door):
    """Headers that proxies set, or that claim to be from inside, open nothing."""
    door = await open_door(_key())
    names = (b"host", b"x-forwarded-for", b"x-real-ip", b"forwarded", b"x-api-key", b"api-key", b"cookie")
    for name in names:
        assert (await door.knock(None, headers=[(name, b"127.0.0.1"), (name, b"pk-1")])).status == 401


async def test_without_a_snapshot_nobody_is_let_in_or_called_wrong(kit):
    """Before the store was read once the answer is 503 with retry-after, which the SDK tries again."""
    door = Door(kit, _key())
    reply = await door.knock()
    assert (reply.status, reply.headers["retry-after"]) == (503, "1")
    assert reply.json["error"]["code"] == "keys_unavailable"
    assert (await door.knock(None, path="/healthz")).status == 200


@pytest.mark.parametrize(
    ("rpm", "share", "at_once", "in_a_minute"),
    [(60, 1, 10, 60), (600, 1, 100, 600), (600, 4, 25, 150), (6, 1, 1, 6), (1, 1, 1, 1), (12, 4, 1, 3)],
)
async def test_a_limit_holds(open_door, rpm, share, at_once, in_a_minute):
    """A sixth of a minute's requests at once, then the key's rate, both divided by the workers."""
    door = await open_door(_key(rpm=rpm), share=share)
    assert await door.count() == at_once
    passed = 0
    for _ in range(in_a_minute):
        door.clock.advance(60.0 / in_a_minute + 1e-6)
        passed += await door.count()
    assert passed == in_a_minute
    door.clock.advance(3600)
    assert await door.count() == at_once


async def test_beyond_its_limit_a_key_is_told_when_to_come_back(open_door):
    """429 with OpenAI's code and headers; after the time told a request passes."""
    door = await open_door(_key(rpm=18))
    replies = [await door.knock() for _ in range(4)]
    told = [reply.headers["x-ratelimit-remaining-requests"] for reply in replies]
    assert [reply.status for reply in replies] == [200, 200, 200, 429]
    assert told == ["2", "1", "0", "0"]
    assert {reply.headers["x-ratelimit-limit-requests"] for reply in replies} == {"3"}
    assert replies[0].headers["x-ratelimit-reset-requests"] == "3.333s"
    assert replies[0].headers["x-own"] == "1"
    refused = replies[3]
    assert refused.headers["retry-after"] == "4"
    assert refused.json["error"]["code"] == "rate_limit_exceeded"
    assert door.refused == ["rate_limit_exceeded"]
    door.clock.advance(3.3)
    assert (await door.knock()).status == 429
    door.clock.advance(0.7)
    assert (await door.knock()).status == 200


async def test_keys_do_not_share_a_limit(open_door):
    """One client at its limit takes nothing from another, and one without a limit is told of none."""
    door = await open_door(_key(1, rpm=6), _key(2, rpm=6), _key(3))
    assert await door.count(b"pk-1") == 1
    assert await door.count(b"pk-2") == 1
    assert await door.count(b"pk-3", most=50) == 50
    assert "x-ratelimit-limit-requests" not in (await door.knock(b"Bearer pk-3")).headers


async def test_a_key_that_was_revoked_is_forgotten(open_door):
    """The memory is that of the active keys, however many there were before."""
    door = await open_door()
    for number in range(20):
        door.store.kept = [_key(number, rpm=60)]
        await door.ring.refresh()
        assert (await door.knock(b"Bearer pk-%d" % number)).status == 200
    assert (await door.knock(b"Bearer pk-3")).status == 401
    assert set(door.layer._buckets) == {"key-19"}


async def test_what_follows_the_head_of_an_answer_is_left_alone(kit):
    """The limit's headers go into the head, once; the pieces of a stream pass as they are."""

    async def stream(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": ()})
        for piece in (b"a", b"b"):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    ring = Keyring(Keys(_key(rpm=60)))
    await ring.refresh()
    layer = Authorize(stream, keyring=ring, clock=ManualClock(), share=1)
    reply = await kit.drive(layer, b"", headers=[(b"authorization", b"Bearer pk-1")])
    assert reply.pieces == [b"a", b"b", b""]
    assert reply.headers["x-ratelimit-remaining-requests"] == "9"


async def test_other_protocols_pass():
    """Lifespan messages are none of its business."""
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["type"])

    await Authorize(app, keyring=Keyring(Keys()), clock=ManualClock(), share=1)({"type": "lifespan"}, None, None)
    assert seen == ["lifespan"]


@given(
    steps=st.lists(st.floats(min_value=0, max_value=100), min_size=1, max_size=50),
    capacity=st.integers(1, 50),
    per_s=st.floats(min_value=0.01, max_value=10),
)
def test_a_bucket_never_gives_more_than_its_rate(steps, capacity, per_s):
    """In any span from the beginning: at most the capacity and what has flowed in; waiting as told is enough."""
    at, taken = 0.0, 0
    bucket = Bucket(capacity, per_s=per_s, at=at)
    for step in steps:
        at += step
        taken += bucket.take(at)
        assert taken <= capacity + at * per_s + 1e-6
    at += bucket.wait_s() + 1e-6
    assert bucket.take(at)


@pytest.mark.parametrize(
    ("tasks", "task", "allowed"),
    [((), "a", True), (("a", "b"), "b", True), (("a", "b"), "c", False), (("a",), "", False)],
)
def test_a_key_opens_its_tasks_only(tasks, task, allowed):
    """A task that the key may not ask for does not exist for it; the answer names only those that do."""
    if allowed:
        allow(_key(tasks=tasks), task)
        return
    with pytest.raises(ApiError) as refused:
        allow(_key(tasks=tasks), task)
    assert refused.value.status == 404
    assert b'"code":"model_not_found"' in refused.value.body
    assert ", ".join(tasks).encode() in refused.value.body


def test_without_keys_every_task_is_open():
    """Where no key is asked for there is none to restrict."""
    allow(None, "a")
