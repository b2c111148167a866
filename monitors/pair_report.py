"""What the pairs of the deployed student show: agreement, the teacher's own, slices, and how the samples ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domain.comparers import normalise_label
from domain.records import Agreement, Pair, PairState, Signal
from monitors import self_agreement, slices
from monitors.agreement import estimate
from monitors.era import standing_since
from monitors.slices import SliceAgreement

if TYPE_CHECKING:
    from domain.settings import TaskSettings
    from domain.store import Store

_WINDOWS = 4  # of `agreement.window`: the pairs that are looked at, the newest


class PairReport(msgspec.Struct, frozen=True):
    """Everything about one student's pairs."""

    task: str
    model: str
    agreement: Agreement | None  # for one look
    anytime: Agreement | None  # at any number of looks while pairs are added
    ceiling: Agreement | None  # the teacher's with itself
    share_of_ceiling: Agreement | None
    slices: list[SliceAgreement]  # those most surely worse than elsewhere first
    pairs: dict[PairState, int]  # of the task, whichever student
    signals: list[Signal]


async def pair_report(store: Store, name: str, task: TaskSettings) -> PairReport:
    """Read it from the store.

    Raises:
        StoreError: the store cannot be read.
    """
    deployed = standing_since(await store.deployments(name))
    model, since = (task.student.model, 0.0) if deployed is None else (deployed.model, deployed.at)
    pairs = await store.pairs(name, after=since, model=model, limit=_WINDOWS * task.agreement.window)
    found = estimate(pairs)
    ceiling = self_agreement.ceiling(await store.rechecks(name, after=since), teacher=task.teacher.model)
    relative = None if found is None or ceiling is None else self_agreement.share_of_ceiling(found, ceiling)
    return PairReport(
        task=name,
        model=model,
        agreement=found,
        anytime=estimate(pairs, anytime=True),
        ceiling=ceiling,
        share_of_ceiling=relative,
        slices=await _slices(store, pairs, task),
        pairs=await store.pair_counts(name),
        signals=await store.signals(name),
    )


async def _slices(store: Store, pairs: list[Pair], task: TaskSettings) -> list[SliceAgreement]:
    rows = await store.exchanges_by_id([pair.exchange_id for pair in pairs])
    exchanges = {row.exchange.id: row.exchange for row in rows}
    labels = frozenset(map(normalise_label, task.output.labels))
    known = [(pair, exchanges[pair.exchange_id]) for pair in pairs if pair.exchange_id in exchanges]
    return slices.compare((pair, slices.of_pair(pair, exchange, labels=labels)) for pair, exchange in known)
