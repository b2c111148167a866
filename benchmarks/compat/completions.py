"""Text completions and embeddings of the replay upstream: the endpoints without messages."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from typing import Any

from openai.types import Completion, CompletionChoice, CompletionUsage, CreateEmbeddingResponse, Embedding
from openai.types.completion_choice import Logprobs

from benchmarks.compat.chat import CREATED
from benchmarks.compat.examples import example
from benchmarks.compat.speech import reply_id, speech, tokens

_DIMENSIONS = 8


def whole(request: dict[str, Any]) -> dict[str, Any]:
    """The completion that is not streamed."""
    choices = [
        _choice(request, "".join(_pieces(request, prompt)), index, reason="stop") for index, prompt in _asked(request)
    ]
    return example(Completion, choices=choices, usage=_usage(request), **_head(request))


def events(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The chunks of a stream: whole completions with the next words."""
    asked = (request.get("stream_options") or {}).get("include_usage")
    head = _head(request) | ({"usage": None} if asked else {})
    for index, prompt in _asked(request):
        pieces = _pieces(request, prompt)
        for number, piece in enumerate(pieces, 1):
            choice = _choice(request, piece, index, reason="stop")
            if number < len(pieces):  # the SDK's type does not allow it, but OpenAI's streams hold it
                choice["finish_reason"] = None
            yield example(Completion, choices=[], **head) | {"choices": [choice]}
    if asked:
        yield example(Completion, choices=[], **head | {"usage": _usage(request)})


def embeddings(request: dict[str, Any]) -> dict[str, Any]:
    """One vector for each input, as numbers or as base64 of little-endian floats."""
    size = request.get("dimensions") or _DIMENSIONS
    data = []
    for index, _ in enumerate(_inputs(request["input"])):
        vector = [(number + 1) / 64 for number in range(size)]
        entry = example(Embedding, index=index, embedding=vector)
        if request.get("encoding_format") == "base64":  # only the parsed type of the SDK is a list
            entry["embedding"] = base64.b64encode(struct.pack(f"<{size}f", *vector)).decode()
        data.append(entry)
    return example(CreateEmbeddingResponse, data=[], model=request["model"]) | {"data": data}


def _head(request: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": reply_id(request, "cmpl"),
        "created": CREATED,
        "model": request["model"],
        "system_fingerprint": "fp_replay",
    }


def _asked(request: dict[str, Any]) -> list[tuple[int, Any]]:
    """The index of each choice, with the prompt that it completes."""
    prompts = [prompt for prompt in _inputs(request["prompt"]) for _ in range(request.get("n") or 1)]
    return list(enumerate(prompts))


def _inputs(given: Any) -> list[Any]:
    """One entry for each input; a list of numbers is one input, in tokens."""
    return given if isinstance(given, list) and given and not isinstance(given[0], int) else [given]


def _pieces(request: dict[str, Any], prompt: Any) -> list[str]:
    echoed = [prompt] if request.get("echo") and isinstance(prompt, str) else []
    return [*echoed, *tokens(speech({}).words)]


def _choice(request: dict[str, Any], text: str, index: int, *, reason: str) -> dict[str, Any]:
    logprobs = None
    if request.get("logprobs") is not None:
        logprobs = example(
            Logprobs, tokens=[text], token_logprobs=[-0.25], text_offset=[0], top_logprobs=[{text: -0.25}]
        )
    return example(CompletionChoice, text=text, index=index, logprobs=logprobs, finish_reason=reason)


def _usage(request: dict[str, Any]) -> dict[str, Any]:
    count = sum(len(_pieces(request, prompt)) for _, prompt in _asked(request))
    return example(CompletionUsage, prompt_tokens=5, completion_tokens=count, total_tokens=5 + count)
