"""Promotes the mock student, with a reference built from the traffic that was journalled so far."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import msgspec

from adapters.stores.sqlite import from_url
from benchmarks.soak.machine import EMBEDDER, STORE, TASK
from domain.records import Baseline, Deployment, PairState, Stratum
from domain.settings import EmbedderSettings
from domain.store import Backlog
from embedders import app as embedders
from monitors.reference import Reference

_INPUTS = 1500
_PLAIN = Baseline(2000, 1600)  # of every ten answers two are streamed, in the mock's other words


def promote(folder: Path) -> int:
    """Arm the detectors; returns how many inputs the reference has."""
    return asyncio.run(_promote(folder))


def ended(folder: Path) -> tuple[Backlog, dict[PairState, int]]:
    """What still waits for the monitors, and how the shadow samples stand."""
    return asyncio.run(_ended(folder))


async def _promote(folder: Path) -> int:
    store = from_url(STORE, folder)
    await store.start()
    inputs = [row.exchange.input_text for row in await store.exchanges(TASK, limit=_INPUTS)]
    reference = Reference.build(inputs, embedders.build(msgspec.convert(EMBEDDER, EmbedderSettings)))
    reference_id = await store.put_blob("reference", reference.to_bytes(), at=time.time())
    baselines = {Stratum.ORDINARY: _PLAIN, Stratum.FLAGGED: _PLAIN}
    await store.deploy(
        Deployment(
            task=TASK,
            model=TASK,
            reference_id=reference_id,
            at=time.time(),
            by="soak",
            reason="benchmark",
            baselines=baselines,
        )
    )
    await store.aclose()
    return len(inputs)


async def _ended(folder: Path) -> tuple[Backlog, dict[PairState, int]]:
    store = from_url(STORE, folder)
    await store.start()
    found = await store.backlog(TASK), await store.pair_counts(TASK)
    await store.aclose()
    return found
