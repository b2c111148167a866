"""Exchanges as the gateway would journal them: a 1.4 KB request, an answer of 350 bytes, an id of its own."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator

from benchmarks.overhead import bodies
from domain.records import Arm, Exchange, Usage

_REQUEST = bodies.encode("small")
_TEXT = json.loads(_REQUEST)["messages"][-1]["content"]
_ANSWER = (_TEXT * 2)[:350]


def exchanges(task: str, *, at: float) -> Iterator[Exchange]:
    """No two alike."""
    while True:
        id_ = f"req-{secrets.token_hex(12)}"
        yield Exchange(
            id=id_,
            task=task,
            at=at,
            arm=Arm.CHAMPION,
            model=bodies.MODEL,
            draw=0.5,
            journal_rate=1.0,
            request=_REQUEST.replace(b"October", id_[4:11].encode()),
            input_text=f"{_TEXT}{id_}",
            output_text=_ANSWER,
            status=200,
            usable=True,
            finish_reason="stop",
            usage=Usage(312, 48),
            latency_s=0.05,
            overhead_s=0.0005,
        )
