"""The keyring: the active keys, or the last ones known."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from adapters.stores.sqlite import SqliteStore
from domain.clients import ClientKey
from domain.errors import StoreError
from gateway.keyring import Keyring

SECRET = b"pk-secret"


def _key(secret=SECRET, **fields):
    values = {"id": "key-1", "name": "one", "created_at": 1.0, "sha256": hashlib.sha256(secret).hexdigest()}
    return ClientKey(**values | fields)


class Keys:
    """The part of the store that a keyring uses; `broken` makes every call fail."""

    def __init__(self, *keys):
        self.kept = list(keys)
        self.broken = False
        self.starts = 0

    async def start(self):
        self.starts += 1
        self._check()

    async def keys(self):
        self._check()
        return self.kept

    def _check(self):
        if self.broken:
            raise StoreError("the disk is full")


async def test_a_key_is_found_by_its_secret_only():
    """Nothing but the exact secret opens; neither the id nor the hash does."""
    ring = Keyring(Keys(_key(), _key(b"other", id="key-2", name="two")))
    await ring.refresh()
    assert ring.find(SECRET).id == "key-1"
    assert ring.find(b"other").id == "key-2"
    for wrong in (b"", b"pk-secre", SECRET + b" ", b"key-1", _key().sha256.encode(), b"\xff\x00"):
        assert ring.find(wrong) is None
    assert "key-1" in ring.ids
    assert "key-3" not in ring.ids


async def test_a_revocation_is_seen_by_the_next_refresh(tmp_path):
    """A key that another process revokes stops, and one that it adds begins, within one interval."""
    store, other = SqliteStore(tmp_path / "p.db"), SqliteStore(tmp_path / "p.db")
    await other.start()
    await other.add_key(_key())
    ring = Keyring(store, interval_s=0.001)
    await ring.start(timeout_s=5)
    assert ring.find(SECRET) == _key()
    await other.revoke_key("key-1", at=2.0)
    await other.add_key(_key(b"new", id="key-2"))
    async with asyncio.timeout(5):
        while ring.find(SECRET) is not None:
            await asyncio.sleep(0.001)
    assert ring.find(b"new").id == "key-2"
    assert "key-1" not in ring.ids
    await ring.aclose()
    await store.aclose()
    await other.aclose()


async def test_there_is_no_snapshot_before_the_first_answer_of_the_store(kit, caplog):
    """While the store cannot be read the keyring says so, once in the log, and starts all the same."""
    store = Keys(_key())
    store.broken = True
    ring = Keyring(store, interval_s=0.0)
    await asyncio.wait_for(ring.start(timeout_s=60), 5)
    await kit.until(lambda: store.starts >= 5)
    assert not ring.ready
    assert ring.find(SECRET) is None
    assert sum("keyring_not_refreshed" in record.message for record in caplog.records) == 1
    store.broken = False
    await kit.until(lambda: ring.ready)
    assert ring.find(SECRET) is not None
    await ring.aclose()


async def test_a_stalled_store_holds_up_the_start_for_a_moment_only():
    """The wait for the first snapshot is bounded."""

    class Stalled:
        async def start(self):
            await asyncio.Event().wait()

    ring = Keyring(Stalled())
    await asyncio.wait_for(ring.start(timeout_s=0.01), 5)
    assert not ring.ready
    await ring.aclose()


async def test_the_old_snapshot_outlives_a_failure():
    """A store that fails locks nobody out."""
    store = Keys(_key())
    ring = Keyring(store)
    await ring.refresh()
    store.broken = True
    with pytest.raises(StoreError):
        await ring.refresh()
    assert ring.ready
    assert ring.find(SECRET) is not None


async def test_a_store_without_keys_is_a_snapshot_too():
    """An installation in which no key was made yet refuses everybody, and knows that it may."""
    ring = Keyring(Keys())
    await ring.refresh()
    assert ring.ready
    assert ring.find(SECRET) is None
