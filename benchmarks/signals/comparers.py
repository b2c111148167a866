"""What it costs to compare two answers, in one thread; of a judge, our part alone: its model's time is not measured."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from benchmarks.results import Results
from benchmarks.signals.slicing import exchange
from domain.comparers import COMPARERS
from domain.monitoring import JsonFields
from domain.prices import FREE
from domain.records import Usage
from domain.settings import EmbedderSettings
from embedders.app import build
from embedders.hashing import HashingEmbedder
from monitors.answers import Reply
from monitors.comparers.fields import FieldsComparer
from monitors.comparers.judge import JudgeComparer
from monitors.comparers.plain import PlainComparer
from monitors.comparers.text import TextComparer

if TYPE_CHECKING:
    from monitors.comparers.port import AnswerComparer


class _Judge:
    """Says the same at once."""

    async def ask(self, request: bytes, *, endpoint: str = "/chat/completions") -> Reply:
        """See `monitors.comparers.judge.Asked`."""
        return Reply('The answers say the same.\n{"verdict": "same"}', Usage(len(request) // 4, 12))

    async def aclose(self) -> None:
        """See `monitors.comparers.judge.Asked`."""


def measure(results: Results, *, quick: bool) -> None:
    """Microseconds a pair of each comparer."""
    said = "Your refund for the order was approved and will reach your account within three working days. " * 3
    order = {"lines": [{"sku": f"A{n}", "quantity": n, "price": 9.5 * n} for n in range(8)], "total": 266.0}
    text = msgspec.json.encode(order).decode()
    fields = JsonFields(tolerance=0.01, unordered=("lines",))
    made: list[tuple[str, AnswerComparer, Sequence[str], int]] = [
        ("label", PlainComparer(COMPARERS["label"]), ("Refund.", "refund"), 10_000),
        ("json, equal or not", PlainComparer(COMPARERS["json"]), (text, text), 10_000),
        ("json, fields in order", FieldsComparer(JsonFields()), (text, text), 2000),
        ("json, 8 unordered lines", FieldsComparer(fields), (text, text), 500),
        ("text, hashing", TextComparer(HashingEmbedder(), least=0.8), (said, said + "Thanks."), 300),
        ("judge, our part", JudgeComparer(_Judge(), price=FREE), (said, said + "Thanks."), 2000),
    ]
    if not quick:
        made.append(("text, MiniLM", TextComparer(build(EmbedderSettings()), least=0.8), (said, said + "Thanks."), 100))
    for name, comparer, (student, teacher), count in made:
        seconds = asyncio.run(_timed(comparer, student, teacher, count))
        results.add(f"comparer {name}", "time a pair", seconds / count * 1e6, "us", n=count)


async def _timed(comparer: AnswerComparer, student: str, teacher: str, count: int) -> float:
    asked = exchange(1)
    await comparer.compare(asked, student, teacher)
    began = time.perf_counter()
    for _ in range(count):
        await comparer.compare(asked, student, teacher)
    return time.perf_counter() - began
