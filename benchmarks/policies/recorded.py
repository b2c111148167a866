"""Whether every request leaves its record with what the checks said: let through, changed, refused or not looked at.

A gateway in this process with a real store; the models answer from a script, and one check of the policy fails at will.
"""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2

from adapters.stores.sqlite import from_url
from adapters.upstreams.replay import ReplayUpstream, Request, Scripted
from benchmarks.results import Results
from domain import config
from domain.clock import SystemClock
from domain.records import Arm
from gateway.app import assemble

SEED = 3
KEY = "gh" + "p_" + "a1B2c3D4e5" * 4
FILLER = "and then a few more harmless words of no meaning, " * 12
EVENTS = ((b"content-type", b"text/event-stream"),)
# What the client asks, what the model says, and the checks and verdicts that must stand in the record.
KINDS: dict[str, tuple[str, str, list[tuple[str, str, bool]]]] = {
    "clean": ("what is new?", FILLER, []),
    "flagged input": ("my mail is jane.doe@example.com", FILLER, [("pii", "flag", False)]),
    "blocked input": ("x" * 3000, FILLER, [("length", "block", False)]),
    "redacted answer": ("who?", f"{FILLER} write to jane.doe@example.com now. {FILLER}", [("pii", "redact", False)]),
    "blocked answer": ("key?", f"{FILLER} it is {KEY} now. {FILLER}", [("secrets", "block", False)]),
    "shadow": ("what is new?", f"{FILLER} of the forbidden kind. {FILLER}", [("forbidden", "block", True)]),
    "bypass": ("please fail", FILLER, [("failing", "flag", False)]),
}


class Failing:
    """A check that fails when the text says so; its policy lets the text through."""

    name, triggers, window = "failing", (), None

    def inspect(self, subject: Any) -> None:
        """See `domain.ports.Check`."""
        if "please fail" in subject.texts[-1]:
            raise RuntimeError


class Forbidden(Failing):
    """A check in shadow mode."""

    name = "forbidden"

    def inspect(self, subject: Any) -> Any:
        """See `domain.ports.Check`."""
        from domain.records import Decision, Verdict

        return Decision("forbidden", Verdict.BLOCK, "kind") if "forbidden" in subject.texts[0] else None


def measure(results: Results, data: Path | None, *, quick: bool) -> None:
    """Add the lines of this part."""
    requests = 200 if quick else 2000
    found, wrong = asyncio.run(_recorded(requests))
    case = "requests of seven kinds, streamed and not, journal rate 1"
    results.add(case, "recorded", 100 * found / requests, "%", target="== 100", n=requests, seed=SEED)
    results.add(case, "other decisions than expected", wrong, "records", target="== 0", n=requests, seed=SEED)


async def _recorded(requests: int) -> tuple[int, int]:
    """How many of so many requests have a record, and how many records say something else than they should."""
    rng = random.Random(SEED)
    asked: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        store = from_url("sqlite:///r.db", Path(folder))
        model = ReplayUpstream(_answer)
        app = assemble(_settings(Path(folder)), store=store, upstreams={"up": [model]}, clock=SystemClock())
        async with Running(app), httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app)) as client:
            for _ in range(requests):
                kind = rng.choice(sorted(KINDS))
                body = {"model": "t", "messages": [{"role": "user", "content": KINDS[kind][0]}], "user": kind}
                reply = await client.post(
                    "http://gateway/v1/chat/completions", json=body | {"stream": rng.random() < 0.5}
                )
                asked[reply.headers["x-preceptor-id"]] = kind
        await store.start()
        rows = [row.exchange for row in await store.exchanges("t", limit=requests + 1)]
        await store.aclose()
    wrong = sum(_said(row) != Counter(KINDS[asked[row.id]][2]) for row in rows)
    wrong += sum(not row.policy for row in rows)
    wrong += sum((row.arm is Arm.NONE) != (asked[row.id] == "blocked input") for row in rows)
    return len({row.id for row in rows} & asked.keys()), wrong


def _said(exchange: Any) -> Counter[tuple[str, str, bool]]:
    return Counter((each.check, str(each.verdict), each.shadow) for each in exchange.decisions)


def _settings(root: Path) -> Any:
    model = {"upstream": "up", "model": "m"}
    own = f"{__name__}:"
    document = {
        "upstreams": {"up": {"base_url": "http://127.0.0.1:1/v1", "stream_usage": False}},
        "embedders": {"minilm": {}},
        "tasks": {
            "t": {
                "teacher": model,
                "student": model,
                "output": {"text": {}},
                "policies": {
                    "input": [
                        {"length": {"max_chars": 2000}},
                        "pii",
                        {"python": {"id": "failing", "object": own + "Failing", "on_error": "allow"}},
                    ],
                    "output": [
                        "length",
                        "secrets",
                        "pii",
                        {
                            "python": {
                                "id": "forbidden",
                                "object": own + "Forbidden",
                                "mode": "shadow",
                                "verdict": "block",
                            }
                        },
                    ],
                },
            }
        },
    }
    return config.parse(document, environ={}, root=root)


def _answer(request: Request) -> Scripted:
    asked = json.loads(request.body)
    text = KINDS[asked["user"]][1]
    head = {"id": "a", "object": "chat.completion", "created": 1, "model": "m"}
    if not asked.get("stream"):
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        return Scripted(chunks=(json.dumps(head | {"choices": [choice]}).encode(),))
    deltas: list[dict[str, Any]] = [{"content": text[start : start + 9]} for start in range(0, len(text), 9)]
    events = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    events.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    sent = [f"data: {json.dumps(head | {'choices': [event]})}\n\n".encode() for event in events]
    return Scripted(headers=EVENTS, chunks=(*sent, b"data: [DONE]\n\n"))


class Running:
    """The lifespan of an application."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self._app = app
        self._stop = asyncio.Event()
        self._started = asyncio.Event()

    async def __aenter__(self) -> None:
        messages = iter([("lifespan.startup", None), ("lifespan.shutdown", self._stop)])

        async def receive() -> dict[str, str]:
            kind, gate = next(messages)
            if gate is not None:
                await gate.wait()
            return {"type": kind}

        async def send(message: dict[str, str]) -> None:
            self._started.set()

        self._task = asyncio.get_running_loop().create_task(self._app({"type": "lifespan"}, receive, send))
        await self._started.wait()

    async def __aexit__(self, *error: object) -> None:
        self._stop.set()
        await self._task
