"""Responses of the replay upstream."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from openai import BaseModel
from openai.types import responses as types

from benchmarks.compat.chat import CREATED
from benchmarks.compat.examples import example
from benchmarks.compat.speech import reply_id, speech, tokens

# Fields of a request that the response repeats.
_ECHOED = (
    "background", "conversation", "instructions", "max_output_tokens", "max_tool_calls", "metadata",
    "parallel_tool_calls", "previous_response_id", "prompt_cache_key", "reasoning", "safety_identifier", "temperature",
    "text", "tool_choice", "tools", "top_logprobs", "top_p", "truncation", "user",
)  # fmt: skip


def whole(request: dict[str, Any]) -> dict[str, Any]:
    """The response that is not streamed."""
    return _response(request, _output(request), status="completed")


def events(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The events of a stream, numbered; the last holds the whole response."""
    number = itertools.count()
    for model, values in _told(request):
        yield example(model, sequence_number=next(number), **values)


def _told(request: dict[str, Any]) -> Iterator[tuple[type[BaseModel], dict[str, Any]]]:
    begun = _response(request, [], status="in_progress")
    yield types.ResponseCreatedEvent, {"response": begun}
    yield types.ResponseInProgressEvent, {"response": begun}
    output = _output(request)
    for index, item in enumerate(output):
        nothing: dict[str, Any] = {"content": []} if "content" in item else {"arguments": ""}
        empty = item | {"status": "in_progress"} | nothing
        yield types.ResponseOutputItemAddedEvent, {"output_index": index, "item": empty}
        where = {"output_index": index, "item_id": item["id"]}
        yield from _message(item["content"][0], where) if "content" in item else _call(item, where)
        yield types.ResponseOutputItemDoneEvent, {"output_index": index, "item": item}
    yield types.ResponseCompletedEvent, {"response": _response(request, output, status="completed")}


def _message(part: dict[str, Any], where: dict[str, Any]) -> Iterator[tuple[type[BaseModel], dict[str, Any]]]:
    where = where | {"content_index": 0}
    yield types.ResponseContentPartAddedEvent, where | {"part": part | {"text": "", "logprobs": []}}
    for token in tokens(part["text"]):
        yield types.ResponseTextDeltaEvent, where | {"delta": token, "logprobs": []}
    yield types.ResponseTextDoneEvent, where | {"text": part["text"], "logprobs": []}
    yield types.ResponseContentPartDoneEvent, where | {"part": part}


def _call(item: dict[str, Any], where: dict[str, Any]) -> Iterator[tuple[type[BaseModel], dict[str, Any]]]:
    for piece in tokens(item["arguments"]):
        yield types.ResponseFunctionCallArgumentsDeltaEvent, where | {"delta": piece}
    values = where | {"arguments": item["arguments"]}
    if "name" in types.ResponseFunctionCallArgumentsDoneEvent.model_fields:
        values["name"] = item["name"]
    yield types.ResponseFunctionCallArgumentsDoneEvent, values


def _output(request: dict[str, Any]) -> list[dict[str, Any]]:
    said = speech(request)
    if not said.calls:
        part = example(types.ResponseOutputText, text=said.words, annotations=[], logprobs=[])
        return [example(types.ResponseOutputMessage, id="msg_0", content=[part], status="completed")]
    return [
        example(
            types.ResponseFunctionToolCall,
            id=f"fc_{index}",
            call_id=f"call_{index}",
            name=call.name,
            arguments=call.arguments,
            status="completed",
        )
        for index, call in enumerate(said.calls)
    ]


def _response(request: dict[str, Any], output: list[dict[str, Any]], *, status: str) -> dict[str, Any]:
    echoed = {name: request[name] for name in _ECHOED if request.get(name) is not None}
    if isinstance(echoed.get("conversation"), str):
        echoed["conversation"] = {"id": echoed["conversation"]}
    settled = {"parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "text": {"format": {"type": "text"}}}
    values = settled | {"error": None, "incomplete_details": None, "metadata": {}} | echoed
    if status == "completed":
        values["usage"] = example(types.ResponseUsage)
    return example(
        types.Response,
        id=reply_id(request, "resp"),
        created_at=float(CREATED),
        model=request.get("model", "replay"),
        output=output,
        status=status,
        **values,
    )
