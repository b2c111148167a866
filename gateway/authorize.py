"""Lets in who has a client key, as often as the key allows.  Pure ASGI; only the key decides, nothing else one says.

Each gateway worker counts for itself: of a key's limit, a worker grants its share, 1/N of it.  A client whose
connections all end at one worker gets that share, one that is spread evenly gets the whole.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gateway.errors import ApiError, unknown_model
from gateway.identity import fields

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from domain.clients import ClientKey
    from domain.clock import Clock
    from gateway.keyring import Keyring

SCOPE_KEY = "preceptor.key"  # where the layers behind this one find the ClientKey
_GUARDED = "/v1/"  # health is asked outside of it, without a key
_SCHEME = b"bearer "
_BURST = 6  # the part of a minute's requests that may come at once: one sixth

_Header = tuple[bytes, bytes]


class Bucket:
    """A token bucket: `capacity` requests at once, refilled by `per_s` a second."""

    def __init__(self, capacity: int, *, per_s: float, at: float) -> None:
        self._capacity = capacity
        self._per_s = per_s
        self._tokens = float(capacity)
        self._at = at

    def take(self, at: float) -> bool:
        """Take one token at a time of a monotonic clock, in seconds; False when there is none."""
        self._tokens = min(self._capacity, self._tokens + (at - self._at) * self._per_s)
        self._at = at
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True

    def wait_s(self) -> float:
        """Seconds until there is a token."""
        return max(0.0, 1.0 - self._tokens) / self._per_s

    def headers(self) -> list[_Header]:
        """What OpenAI tells a client (platform.openai.com/docs/guides/rate-limits, "Rate limits in headers").

        How many requests may come before the limit is met, how many are left of these, and when none will be missing.
        """
        reset_s = (self._capacity - self._tokens) / self._per_s
        return [
            (b"x-ratelimit-limit-requests", b"%d" % self._capacity),
            (b"x-ratelimit-remaining-requests", b"%d" % self._tokens),
            (b"x-ratelimit-reset-requests", b"%.3fs" % reset_s),
        ]


class Authorize:
    """Answers 401 without a valid key and 429 beyond its limit, else passes on with the key in the scope."""

    def __init__(self, app: ASGIApp, *, keyring: Keyring, clock: Clock, share: int) -> None:
        """`share` is the number of gateway workers among which a key's limit is divided (>= 1)."""
        self._app = app
        self._keyring = keyring
        self._clock = clock
        self._share = share
        self._buckets: dict[str, Bucket] = {}

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """See the ASGI specification."""
        if scope["type"] != "http" or not scope["path"].startswith(_GUARDED):
            return self._app(scope, receive, send)
        key = self._key(scope)
        scope[SCOPE_KEY] = key
        if key.requests_per_minute:
            send = _telling(send, self._admit(key))
        return self._app(scope, receive, send)

    def _key(self, scope: Scope) -> ClientKey:
        if not self._keyring.ready:
            message = "Keys cannot be checked yet; try again"
            raise ApiError(503, message, kind="server_error", code="keys_unavailable", headers=[(b"retry-after", b"1")])
        given = fields(scope).get(b"authorization", b"")
        if given[: len(_SCHEME)].lower() != _SCHEME:
            raise _unauthorized("No API key was given; send it as 'authorization: Bearer <key>'")
        key = self._keyring.find(given[len(_SCHEME) :].strip())
        if key is None:
            raise _unauthorized("The API key is not valid; ask the operator of this gateway for one")
        return key

    def _admit(self, key: ClientKey) -> list[_Header]:
        """The headers that tell what is left of the key's limit, from which one request is taken."""
        bucket = self._buckets.get(key.id)
        if bucket is None:
            bucket = self._new_bucket(key)
        if bucket.take(self._clock.monotonic_s()):
            return bucket.headers()
        wait = b"%d" % max(1, math.ceil(bucket.wait_s()))
        limit = f"{key.requests_per_minute} requests a minute, evenly spread"
        message = f"This key is at its limit of {limit}; try again in {wait.decode()} s"
        headers = [(b"retry-after", wait), *bucket.headers()]
        raise ApiError(429, message, kind="requests", code="rate_limit_exceeded", headers=headers)

    def _new_bucket(self, key: ClientKey) -> Bucket:
        active = self._keyring.ids
        self._buckets = {id_: bucket for id_, bucket in self._buckets.items() if id_ in active}
        capacity = max(1, key.requests_per_minute // (_BURST * self._share))
        per_s = key.requests_per_minute / 60.0 / self._share
        bucket = Bucket(capacity, per_s=per_s, at=self._clock.monotonic_s())
        self._buckets[key.id] = bucket
        return bucket


def allow(key: ClientKey | None, task: str) -> None:
    """Let a key ask for a task; without keys everybody may.

    Raises:
        ApiError: 404, as OpenAI answers for a model that is not for this key; it names only those that are.
    """
    if key is not None and key.tasks and task not in key.tasks:
        raise unknown_model(task, key.tasks)


def _telling(send: Send, headers: list[_Header]) -> Send:
    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *headers]}
        await send(message)

    return told


def _unauthorized(message: str) -> ApiError:
    return ApiError(401, message, code="invalid_api_key", headers=[(b"www-authenticate", b"Bearer")])
