"""What a client leaves with us: its key, and the answers that it wants to find again.  Values only.

Times are seconds since the epoch (UTC).
"""

from __future__ import annotations

import msgspec


class ClientKey(msgspec.Struct, frozen=True, kw_only=True):
    """Who may call the gateway.  Of the secret only its hash is kept: a store that leaks opens nothing."""

    id: str
    name: str
    sha256: str  # of the secret's bytes, in hex
    created_at: float
    revoked_at: float | None = None
    tasks: tuple[str, ...] = ()  # that it may ask for; empty: all
    requests_per_minute: int = 0  # 0: no limit


class StoredCompletion(msgspec.Struct, frozen=True, kw_only=True):
    """A chat completion that its client asked to keep (`store: true`)."""

    id: str  # of the completion, as the client saw it; unique for an owner
    owner: str  # id of the client key, empty without keys
    task: str
    model: str  # the name that the client asked for
    at: float
    metadata: dict[str, str] = {}
    request: bytes  # the JSON body as the client sent it
    body: bytes  # the chat.completion JSON as the client received it; a stream's put together
