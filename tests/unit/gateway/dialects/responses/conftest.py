"""Responses as OpenAI's server writes them: whole, and as the events of a stream.  The SDK's models are the judge."""

from __future__ import annotations

import json

import pytest
from hypothesis import strategies as st
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

SECRET = "SECRET"
EVENT = TypeAdapter(ResponseStreamEvent)
TEXTS = st.lists(st.sampled_from([SECRET, "a", " ", "\n", "ü", "S", "ECRET", '"']), max_size=6).map("".join)
USAGE = {
    "input_tokens": 7,
    "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
    "output_tokens": 3,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 10,
}
CALL = {"id": "i", "status": "completed", "call_id": "c", "name": "f"}


def score(token):
    """The log-probability of a token, which spells it out."""
    return {"token": token, "bytes": list(token.encode()), "logprob": -0.5, "top_logprobs": []}


def said(text):
    """A part of a message that the client shows."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": [score(text)] if text else []}


def refused(text):
    """A part of a message that refuses."""
    return {"type": "refusal", "refusal": text}


def message(*parts):
    """A message."""
    return {"type": "message", "id": "i", "role": "assistant", "status": "completed", "content": list(parts)}


def called(text):
    """A call of a function."""
    return {**CALL, "type": "function_call", "arguments": text}


def custom(text):
    """A call of a custom tool."""
    return {"type": "custom_tool_call", "id": "i", "call_id": "c", "name": "f", "input": text}


def reasoned(summary, *contents):
    """Reasoning: a summary, and the text itself where the server shows it."""
    parts = [{"type": "reasoning_text", "text": text} for text in contents]
    return {"type": "reasoning", "id": "i", "summary": [{"type": "summary_text", "text": summary}], "content": parts}


def coded(text):
    """A call of the code interpreter."""
    common = {"id": "i", "container_id": "c", "status": "completed", "outputs": None}
    return {**common, "type": "code_interpreter_call", "code": text}


def remote(text):
    """A call of a tool on an MCP server."""
    return {"type": "mcp_call", "id": "i", "name": "f", "server_label": "s", "arguments": text, "output": "fine"}


def shelled(text):
    """A call of the shell."""
    common = {"id": "i", "call_id": "c", "status": "completed", "environment": None}
    return {**common, "type": "shell_call", "action": {"commands": [text]}}


ITEMS = st.one_of(
    st.lists(st.one_of(TEXTS.map(said), TEXTS.map(refused)), min_size=1, max_size=3).map(lambda p: message(*p)),
    TEXTS.map(called),
    TEXTS.map(custom),
    st.lists(TEXTS, min_size=1, max_size=3).map(lambda texts: reasoned(*texts)),
    TEXTS.map(coded),
    TEXTS.map(remote),
    TEXTS.map(shelled),
)


class Wire:
    """What a server sends."""

    SECRET = SECRET
    outputs = st.lists(ITEMS, max_size=4)
    said, refused, message, called, custom = map(staticmethod, (said, refused, message, called, custom))
    reasoned, coded, remote, shelled, score = map(staticmethod, (reasoned, coded, remote, shelled, score))

    @staticmethod
    def response(output, status="completed", **fields):
        """A whole response that the SDK accepts, as a value."""
        value = {
            "id": "resp_1",
            "object": "response",
            "created_at": 5,
            "model": "m",
            "status": status,
            "output": output,
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "usage": USAGE,
        } | fields
        Response.model_validate(value)
        return value

    @classmethod
    def whole(cls, output, status="completed", **fields):
        """The same as a body."""
        return json.dumps(cls.response(output, status, **fields)).encode()

    @classmethod
    def stream(cls, output, *, size=3, turns=(), end="completed", **fields):
        """The data of all events; the events of items take turns as `turns` says, else one item follows the other."""
        lanes = [list(_item_events(number, item, size)) for number, item in enumerate(output)]
        chosen = [lanes[turn % len(lanes)] for turn in turns] if lanes else []
        middle = [lane.pop(0) for lane in chosen if lane]
        middle += [event for lane in lanes for event in lane]
        begun = cls.response([], "in_progress", usage=None)
        first = [{"type": f"response.{name}", "response": begun} for name in ("created", "in_progress")]
        last = {"type": f"response.{end}", "response": cls.response(output, end, **fields)}
        events = [event | {"sequence_number": number} for number, event in enumerate([*first, *middle, last])]
        return [cls.checked(json.dumps(event).encode()) for event in events]

    @staticmethod
    def checked(data):
        """The event, if the SDK accepts it."""
        EVENT.validate_json(data)
        return data


SIMPLE = {
    "function_call": ("function_call_arguments", "arguments", {"name": "f"}),
    "custom_tool_call": ("custom_tool_call_input", "input", {}),
    "code_interpreter_call": ("code_interpreter_call_code", "code", {}),
    "mcp_call": ("mcp_call_arguments", "arguments", {}),
}


def _item_events(number, item, size):
    at = {"item_id": "i", "output_index": number}
    yield {"type": "response.output_item.added", "output_index": number, "item": _without_texts(item)}
    if item["type"] in SIMPLE:
        kind, field, more = SIMPLE[item["type"]]
        yield from _pieces(kind, field, item[field], at, size, more)
    elif item["type"] == "message":
        for index, part in enumerate(item["content"]):
            kind, field = ("output_text", "text") if part["type"] == "output_text" else ("refusal", "refusal")
            yield from _part(part, kind, field, at | {"content_index": index}, size)
    elif item["type"] == "reasoning":
        yield from _reasoning(item, at, size)
    else:
        at |= {"command_index": 0}
        yield {"type": "response.shell_call_command.added", **at, "command": ""}
        yield from _pieces("shell_call_command", "command", item["action"]["commands"][0], at, size)
    yield {"type": "response.output_item.done", "output_index": number, "item": item}


def _reasoning(item, at, size):
    for index, part in enumerate(item["summary"]):
        here = at | {"summary_index": index}
        yield {"type": "response.reasoning_summary_part.added", **here, "part": part | {"text": ""}}
        yield from _pieces("reasoning_summary_text", "text", part["text"], here, size)
        yield {"type": "response.reasoning_summary_part.done", **here, "part": part}
    for index, part in enumerate(item["content"]):
        yield from _part(part, "reasoning_text", "text", at | {"content_index": index}, size)


def _part(part, kind, field, at, size):
    scores = {"logprobs": []} if kind == "output_text" else {}
    empty = part | {field: ""} | scores
    yield {"type": "response.content_part.added", **at, "part": empty}
    yield from _pieces(kind, field, part[field], at, size, {"logprobs": part["logprobs"]} if scores else {})
    yield {"type": "response.content_part.done", **at, "part": part}


def _pieces(kind, field, text, at, size, done=None):
    scored = kind == "output_text"
    for start in range(0, len(text), size):
        piece = text[start : start + size]
        scores = {"logprobs": [score(piece)]} if scored else {}
        yield {"type": f"response.{kind}.delta", **at, "delta": piece, **scores}
    yield {"type": f"response.{kind}.done", **at, field: text, **(done or {})}


def _without_texts(item):
    match item["type"]:
        case "message":
            return item | {"content": [], "status": "in_progress"}
        case "reasoning":
            return item | {"summary": [], "content": []}
        case "shell_call":
            return item | {"action": {"commands": []}}
    return item | {key: "" for key in ("arguments", "input", "code") if key in item}


@pytest.fixture(scope="session")
def wire():
    """What a server sends."""
    return Wire
