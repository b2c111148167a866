"""Chat completions of the replay upstream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from openai.types import CompletionUsage
from openai.types.chat import (
    ChatCompletion,
    ChatCompletionChunk,
    ChatCompletionMessage,
    ChatCompletionMessageFunctionToolCall,
    ChatCompletionTokenLogprob,
)
from openai.types.chat.chat_completion import Choice
from openai.types.chat.chat_completion_chunk import Choice as ChunkChoice
from openai.types.chat.chat_completion_chunk import ChoiceDelta, ChoiceDeltaToolCall

from benchmarks.compat.examples import example
from benchmarks.compat.speech import Speech, reply_id, speech, tokens

CREATED = 1_750_000_000


def whole(request: dict[str, Any]) -> dict[str, Any]:
    """The answer that is not streamed."""
    said = speech(request)
    choices = [_choice(request, said, index) for index in range(request.get("n") or 1)]
    return example(ChatCompletion, choices=choices, usage=_usage(request, said), **_head(request))


def events(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The chunks of a stream."""
    said = speech(request)
    asked = (request.get("stream_options") or {}).get("include_usage")
    head = _head(request) | ({"usage": None} if asked else {})
    numbers = range(request.get("n") or 1)
    for delta, text in _deltas(said):
        for index in numbers:
            logprobs = _logprobs(request, [text]) if text else None
            choice = example(ChunkChoice, index=index, delta=delta, logprobs=logprobs, finish_reason=None)
            yield example(ChatCompletionChunk, choices=[choice], **head)
    for index in numbers:
        choice = example(ChunkChoice, index=index, delta={}, logprobs=None, finish_reason=_reason(said))
        yield example(ChatCompletionChunk, choices=[choice], **head)
    if asked:
        yield example(ChatCompletionChunk, choices=[], **head | {"usage": _usage(request, said)})


def _head(request: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": reply_id(request, "chatcmpl"),
        "created": CREATED,
        "model": request["model"],
        "service_tier": "default",
        "system_fingerprint": "fp_replay",
    }


def _choice(request: dict[str, Any], said: Speech, index: int) -> dict[str, Any]:
    message: dict[str, Any] = {"content": said.words or None, "refusal": None, "annotations": []}
    if said.calls:
        message["tool_calls"] = [
            example(
                ChatCompletionMessageFunctionToolCall,
                id=f"call_{number}",
                function={"name": call.name, "arguments": call.arguments},
            )
            for number, call in enumerate(said.calls)
        ]
    return example(
        Choice,
        index=index,
        message=example(ChatCompletionMessage, **message),
        logprobs=_logprobs(request, tokens(said.words)) if said.words else None,
        finish_reason=_reason(said),
    )


def _deltas(said: Speech) -> Iterator[tuple[dict[str, Any], str]]:
    """What is new in each chunk, and the token in it."""
    yield example(ChoiceDelta, role="assistant", content=None if said.calls else "", refusal=None), ""
    for token in tokens(said.words) if said.words else ():
        yield example(ChoiceDelta, content=token), token
    for number, call in enumerate(said.calls):
        named = {"name": call.name, "arguments": ""}
        begun = example(ChoiceDeltaToolCall, index=number, id=f"call_{number}", type="function", function=named)
        yield example(ChoiceDelta, tool_calls=[begun]), ""
        for piece in tokens(call.arguments):
            more = example(ChoiceDeltaToolCall, index=number, function={"arguments": piece})
            yield example(ChoiceDelta, tool_calls=[more]), ""


def _reason(said: Speech) -> str:
    return "tool_calls" if said.calls else "stop"


def _logprobs(request: dict[str, Any], said: list[str]) -> dict[str, Any] | None:
    if not request.get("logprobs"):
        return None
    each = []
    for token in said:
        measured = {"token": token, "logprob": -0.25, "bytes": list(token.encode())}
        others = [measured] * (request.get("top_logprobs") or 0)
        each.append(example(ChatCompletionTokenLogprob, **measured, top_logprobs=others))
    return {"content": each, "refusal": None}


def _usage(request: dict[str, Any], said: Speech) -> dict[str, Any]:
    count = len(tokens(said.words)) * (request.get("n") or 1)
    return example(
        CompletionUsage,
        prompt_tokens=9,
        completion_tokens=count,
        total_tokens=9 + count,
        prompt_tokens_details={"cached_tokens": 0, "audio_tokens": 0},
        completion_tokens_details={"reasoning_tokens": 0, "audio_tokens": 0},
    )
