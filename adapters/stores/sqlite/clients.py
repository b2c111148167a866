"""What belongs to the gateway's clients: their keys, and the completions that they asked to keep."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Mapping, Sequence

import msgspec

from adapters.stores.sqlite import queries
from adapters.stores.sqlite.tables import Tables
from domain import codec
from domain.clients import ClientKey, StoredCompletion

_PAIRS = msgspec.json.Decoder(list[tuple[str, str]])


class ClientTables(Tables):
    """The part of `domain.store.Store` that concerns clients."""

    async def add_key(self, key: ClientKey) -> None:
        """See `domain.store.Store`."""
        await self._write(
            "INSERT INTO client_keys (id, name, sha256, created_at, revoked_at, body) VALUES (?, ?, ?, ?, ?, ?)",
            *(key.id, key.name, key.sha256, key.created_at, key.revoked_at, codec.encode(key)),
        )

    async def revoke_key(self, key_id: str, *, at: float) -> bool:
        """See `domain.store.Store`."""
        statement = "UPDATE client_keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL"
        return await self._write(statement, at, key_id) == 1

    async def keys(self) -> list[ClientKey]:
        """See `domain.store.Store`."""
        return await self._all(_key, queries.KEYS)

    async def put_completions(self, completions: Sequence[StoredCompletion]) -> None:
        """See `domain.store.Store`."""

        def change(db: sqlite3.Connection) -> None:
            db.executemany(
                "INSERT OR REPLACE INTO completions (owner, id, task, at, metadata, body) VALUES (?, ?, ?, ?, ?, ?)",
                [(c.owner, c.id, c.task, c.at, _pairs(c.metadata), codec.encode(c)) for c in completions],
            )

        await self._database.write(change)

    async def completions(
        self,
        owner: str,
        *,
        task: str = "",
        metadata: Mapping[str, str] | None = None,
        after: str = "",
        limit: int = 1000,
        newest_first: bool = False,
    ) -> list[StoredCompletion]:
        """See `domain.store.Store`."""
        query = queries.COMPLETIONS_NEWEST_FIRST if newest_first else queries.COMPLETIONS_OLDEST_FIRST
        values = {"owner": owner, "task": task, "metadata": _pairs(metadata or {}), "limit": limit}

        def read(db: sqlite3.Connection) -> list[StoredCompletion]:
            place: tuple[float, int] | None = (math.inf if newest_first else -math.inf, 0)
            if after:
                place = db.execute(queries.COMPLETION_PLACE, {"owner": owner, "id": after}).fetchone()
            if place is None:
                return []
            at, seq = place
            return [_completion(*row) for row in db.execute(query, values | {"at": at, "seq": seq})]

        return await self._database.read(read)

    async def completion(self, owner: str, completion_id: str) -> StoredCompletion | None:
        """See `domain.store.Store`."""
        found = await self._all(_completion, queries.COMPLETION, owner=owner, id=completion_id)
        return found[0] if found else None

    async def update_completion(
        self, owner: str, completion_id: str, metadata: Mapping[str, str]
    ) -> StoredCompletion | None:
        """See `domain.store.Store`."""
        statement = "UPDATE completions SET metadata = ? WHERE owner = ? AND id = ? RETURNING body, metadata"

        def change(db: sqlite3.Connection) -> StoredCompletion | None:
            row = db.execute(statement, (_pairs(metadata), owner, completion_id)).fetchone()
            return None if row is None else _completion(*row)

        return await self._database.write(change)

    async def delete_completion(self, owner: str, completion_id: str) -> bool:
        """See `domain.store.Store`."""
        return await self._write("DELETE FROM completions WHERE owner = ? AND id = ?", owner, completion_id) == 1


def _key(body: bytes, revoked_at: float | None) -> ClientKey:
    return msgspec.structs.replace(codec.decode_key(body), revoked_at=revoked_at)


def _completion(body: bytes, metadata: str) -> StoredCompletion:
    return msgspec.structs.replace(codec.decode_completion(body), metadata=dict(_PAIRS.decode(metadata)))


def _pairs(metadata: Mapping[str, str]) -> str:
    return msgspec.json.encode(list(metadata.items())).decode()
