"""Journals exchanges as a gateway would: in a process of its own, at a steady rate.

Requests of 1.4 KB, answers that are a label, inputs of 20-700 characters of which no two are alike.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from adapters.stores.sqlite import from_url
from benchmarks.overhead import bodies
from domain.records import Arm, Exchange, Usage

TASK, STUDENT, STORE = "ticket-intent", "v1", "sqlite:///preceptor.db"
LABELS = ("refund", "cancel", "status", "other")
_TICK_S = 0.05
_REQUEST = bodies.encode("small")
_SENTENCES = (
    "Where is my order number {}?",
    "I was charged {} dollars twice, please give one of them back to the card that I paid with.",
    "My card ending in {} does not work abroad and I am at the counter of a hotel.",
    "How do I change the address of parcel {}?",
    "Please cancel the booking for {} people on Friday and tell me what that costs.",
    "The app shows error {} whenever I open the list of my payments.",
    "I returned the shoes {} days ago; the shop says that they have not arrived.",
    "Can I pay invoice {} in two parts?",
)
_OTHERS = (
    "today",
    "again",
    "for my sister",
    "since the update",
    "in the shop",
    "with the new app",
    "at once",
    "abroad",
)


def texts(seed: int) -> Iterator[str]:
    """Inputs: one to eight sentences, most of them short."""
    draws = random.Random(seed)
    while True:
        count = min(8, 1 + int(draws.expovariate(1.0)))
        told = [draws.choice(_SENTENCES).format(draws.randrange(10**6)) for _ in range(count)]
        yield " ".join([*told, draws.choice(_OTHERS), draws.choice(_OTHERS)])


def exchanges(seed: int, *, at: float | None = None) -> Iterator[Exchange]:
    """Of the student, each of the time that it is made, or all of one time."""
    draws = random.Random(seed)
    for number, text in enumerate(texts(seed)):
        yield Exchange(
            id=f"req-{seed}-{number}",
            task=TASK,
            at=time.time() if at is None else at,
            arm=Arm.CHAMPION,
            model=STUDENT,
            draw=draws.random(),
            journal_rate=1.0,
            request=_REQUEST,
            input_text=text,
            output_text=draws.choice(LABELS),
            status=200,
            usable=True,
            finish_reason="stop",
            usage=Usage(312, 48),
        )


async def feed(folder: Path, *, rate: float, seconds: float, seed: int) -> int:
    """Append exchanges at a rate for so long; returns how many."""
    store = from_url(STORE, folder)
    await store.start()
    source, sent, began = exchanges(seed), 0, time.monotonic()
    while (elapsed := time.monotonic() - began) < seconds:
        due = int(elapsed * rate) - sent
        await store.append([next(source) for _ in range(due)])
        sent += due
        await asyncio.sleep(_TICK_S)
    await store.aclose()
    return sent


if __name__ == "__main__":
    work = json.load(sys.stdin)
    print(asyncio.run(feed(Path(work["folder"]), rate=work["rate"], seconds=work["seconds"], seed=work["seed"])))
