"""The demo's teacher: an OpenAI-compatible server named `oracle` that knows the gold labels and errs at a stated rate.

`python -m cli.demo.oracle --gold FILE.json --error-rate 0.02 --fd N`; FILE maps each text to its label.
"""

from __future__ import annotations

import argparse
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from domain.sampling import draw

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

MODEL = "oracle"


class Oracle:
    """Answers with the gold label of a text, or, for a fixed random share of the texts, with a wrong one."""

    def __init__(self, gold: dict[str, str], *, error_rate: float) -> None:
        self._gold = gold
        self._error_rate = error_rate
        self._labels = sorted(set(gold.values()))

    def answer(self, text: str) -> str:
        """The same text always gets the same answer, as from a model at temperature 0."""
        label = self._gold.get(text, "unknown")
        if draw(f"oracle {text}") >= self._error_rate:
            return label
        wrong = [other for other in self._labels if other != label]
        return wrong[int(draw(f"oracle error {text}") * len(wrong))]


class _Message(msgspec.Struct):
    role: str
    content: Any = ""


class _Request(msgspec.Struct):
    messages: list[_Message]
    model: str = MODEL
    stream: bool = False


_DECODER = msgspec.json.Decoder(_Request)


def app(oracle: Oracle) -> Starlette:
    """The server: chat completions, streamed or not, and the list of its one model."""

    async def complete(request: Request) -> Response:
        try:
            call = _DECODER.decode(await request.body())
        except msgspec.DecodeError as error:
            return JSONResponse({"error": {"message": str(error), "type": "invalid_request_error"}}, status_code=400)
        text = next((str(m.content) for m in reversed(call.messages) if m.role == "user"), "")
        reply = _reply(oracle.answer(text), prompt=sum(len(str(m.content)) for m in call.messages))
        if not call.stream:
            return JSONResponse(reply)
        return StreamingResponse(_events(reply), media_type="text/event-stream")

    async def models(_: Request) -> Response:
        return JSONResponse(
            {"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "preceptor-demo"}]}
        )

    return Starlette(
        routes=[
            Route("/v1/chat/completions", complete, methods=["POST"]),
            Route("/v1/models", models),
        ]
    )


def _reply(answer: str, *, prompt: int) -> dict[str, Any]:
    tokens = {"prompt_tokens": prompt // 4 + 1, "completion_tokens": len(answer) // 4 + 1}  # about 4 letters a token
    return {
        "id": f"chatcmpl-oracle-{draw(answer):.12f}",
        "object": "chat.completion",
        "created": 0,
        "model": MODEL,
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": answer}, "finish_reason": "stop", "logprobs": None}
        ],
        "usage": tokens | {"total_tokens": sum(tokens.values())},
    }


async def _events(reply: dict[str, Any]) -> AsyncIterator[bytes]:
    head = {key: reply[key] for key in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    (choice,) = reply["choices"]
    for delta, reason in ((choice["message"], None), ({}, choice["finish_reason"])):
        yield _event(head | {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})
    yield _event(head | {"choices": [], "usage": reply["usage"]})
    yield b"data: [DONE]\n\n"


def _event(value: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(value) + b"\n\n"


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM on the inherited socket."""
    parser = argparse.ArgumentParser(prog="oracle", description=__doc__)
    parser.add_argument("--gold", type=Path, required=True)
    parser.add_argument("--error-rate", type=float, required=True)
    parser.add_argument("--fd", type=int, required=True)
    options = parser.parse_args(arguments)
    gold = msgspec.json.decode(options.gold.read_bytes(), type=dict[str, str])
    server = uvicorn.Server(uvicorn.Config(app(Oracle(gold, error_rate=options.error_rate)), log_level="warning"))
    server.run(sockets=[socket.socket(fileno=options.fd)])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
