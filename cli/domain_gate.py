"""From inputs to the file of a task-domain gate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from domain.records import Stage, Verdict
from embedders.vocabulary import vocabulary
from monitors.gate import learn
from policies.gate import write

if TYPE_CHECKING:
    from domain.ports import Embedder
    from domain.records import Exchange
    from domain.store import Store


async def accepted_inputs(store: Store, task: str, *, limit: int) -> list[str]:
    """The newest journalled inputs to which no check of the input objected: a gate must not learn what it refused."""
    rows = await store.exchanges(task, limit=limit)
    return [row.exchange.input_text for row in rows if not _refused(row.exchange)]


def keep_gate(path: Path, texts: Sequence[str], *, task: str, embedder: Embedder, over_block: float) -> int:
    """Learn the gate of these inputs and write it; returns how many different ones there were.

    Raises:
        PreceptorError: there are too few inputs, or the embedder has no vocabulary.
        ModelError: the file cannot be written.
    """
    model = learn(
        texts, task=task, vocabulary=vocabulary(embedder), source=f"the embedder {embedder.name}", over_block=over_block
    )
    write(model, path)
    return model.inputs


def _refused(exchange: Exchange) -> bool:
    """Also when it was only a shadow's word."""
    return any(
        decision.stage is Stage.INPUT and decision.verdict.severity >= Verdict.FALLBACK.severity
        for decision in exchange.decisions
    )
