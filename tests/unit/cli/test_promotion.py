from __future__ import annotations

import pytest

from cli.promotion import keep_reference
from cli.runtime import opened_store
from domain import config
from domain.clock import ManualClock
from domain.errors import PreceptorError
from embedders.hashing import HashingEmbedder
from monitors.reference import Reference


async def test_a_reference_is_kept_under_its_hash(installation):
    """What is read back must be the reference of the same inputs, and the same inputs must be kept once."""
    texts = [row.text for row in installation.rows[:150]]
    async with opened_store(config.load(installation.config)) as store:
        ids = {await keep_reference(store, texts, embedder=HashingEmbedder(), clock=ManualClock()) for _ in range(2)}
        (blob_id,) = ids
        body = await store.blob(blob_id)
    assert len(Reference.from_bytes(body).vectors) == 150


async def test_too_few_inputs_are_refused(installation):
    """A reference of ten inputs would alarm at anything."""
    async with opened_store(config.load(installation.config)) as store:
        with pytest.raises(PreceptorError, match="at least 100"):
            await keep_reference(store, ["a"] * 10, embedder=HashingEmbedder(), clock=ManualClock())
