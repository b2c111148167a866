"""What the tests of reports share: a store with two deployments, and inputs that the monitors have watched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.records import Reading
from domain.store import Watched, WorkBatch
from monitors.reference import Reference
from tests.unit.monitors.samples import DEPLOYED_AT, NOVEL, ORDINARY, TASK, deploy, exchanges, paired

if TYPE_CHECKING:
    from adapters.stores.sqlite import SqliteStore
    from domain.ports import Embedder


async def watch(store: SqliteStore, embedder: Embedder) -> None:
    """Tell novelty and cluster of all unread exchanges, as the monitors do, by the ordinary inputs."""
    reference = Reference.build(ORDINARY, embedder)
    rows = await store.lease(TASK, owner="w", limit=5000, lease_s=60.0, at=DEPLOYED_AT)
    vectors = embedder.embed([row.input_text for row in rows])
    told = zip(rows, reference.novelty(vectors), reference.cluster(vectors), strict=True)
    watched = [Watched(row.id, float(novelty), int(cluster)) for row, novelty, cluster in told]
    await store.commit(WorkBatch(owner="w", at=DEPLOYED_AT, watched=watched))


async def fill(store: SqliteStore, embedder: Embedder) -> None:
    """Two deployments: new inputs while v1 served, ordinary ones while v2 did; pairs and readings of both."""
    await deploy(store)
    await store.append(exchanges(ORDINARY[:40] + NOVEL, draw=0.99))
    await deploy(store, model="v2", at=DEPLOYED_AT + 200)
    await store.append(exchanges(ORDINARY[:30], start=300, draw=0.99, model="v2"))
    await watch(store, embedder)
    pairs = [paired(number, agreed=number % 4 > 0) for number in range(40)]
    pairs += [paired(number, agreed=True, model="v2") for number in range(300, 330)]
    readings = [
        Reading(
            task=TASK, detector="agreement", model="v1", at=pair.opened_at, samples=number, score=0.9,
            evidence=number / 60, alarm=number == 60,
        )
        for number, pair in enumerate(pairs)
    ]  # fmt: skip
    await store.commit(WorkBatch(owner="w", at=DEPLOYED_AT, opened=pairs, readings=readings))
