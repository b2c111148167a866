"""The registry: the newest deployment, or the last one known."""

from __future__ import annotations

import asyncio

import pytest

from domain.errors import StoreError
from domain.records import Deployment
from gateway.registry import Registry


def _deployment(model):
    return Deployment(task="t", model=model, reference_id="r", at=1.0, by="me", reason="x")


async def test_the_first_snapshot_is_there_after_start(kit):
    """A restarted gateway knows the promoted student before its first request."""
    store = kit.MemoryStore()
    store.deployed["t"] = _deployment("v2")
    registry = Registry(store, ["t", "u"])
    await registry.start(timeout_s=5)
    assert registry.deployment("t").model == "v2"
    assert registry.deployment("u") is None
    await registry.aclose()


async def test_an_unreadable_store_does_not_hold_up_the_start(kit, caplog):
    """Without a store the gateway starts with what its configuration says, and says so once."""
    store = kit.MemoryStore()
    store.broken = True
    registry = Registry(store, ["t"], interval_s=0.0)
    await asyncio.wait_for(registry.start(timeout_s=60), 5)
    await kit.until(lambda: store.starts >= 5)
    assert registry.deployment("t") is None
    assert sum("registry_not_refreshed" in record.message for record in caplog.records) == 1
    store.broken, store.deployed["t"] = False, _deployment("v2")
    await kit.until(lambda: registry.deployment("t") is not None)
    await registry.aclose()


async def test_a_stalled_store_holds_up_the_start_for_a_moment_only():
    """The wait for the first snapshot is bounded."""

    class Stalled:
        async def start(self):
            await asyncio.Event().wait()

    registry = Registry(Stalled(), ["t"])
    await asyncio.wait_for(registry.start(timeout_s=0.01), 5)
    assert registry.deployment("t") is None
    await registry.aclose()


async def test_the_old_snapshot_outlives_a_failure(kit):
    """A store that fails does not take the champion away."""
    store = kit.MemoryStore()
    store.deployed["t"] = _deployment("v2")
    registry = Registry(store, ["t"])
    await registry.refresh()
    store.broken = True
    with pytest.raises(StoreError):
        await registry.refresh()
    assert registry.deployment("t").model == "v2"


async def test_a_promotion_is_seen(kit, caplog):
    """The next refresh brings the new champion, and logs the change once."""
    caplog.set_level("INFO")
    store = kit.MemoryStore()
    registry = Registry(store, ["t"])
    for model in ("v2", "v2", "v3"):
        store.deployed["t"] = _deployment(model)
        await registry.refresh()
    assert registry.deployment("t").model == "v3"
    assert sum("champion_changed" in record.message for record in caplog.records) == 2
    await registry.aclose()
