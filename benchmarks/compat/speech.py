"""What the replay upstream says to a request: words, or calls of the tools that it was given, in either dialect."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from benchmarks.compat.examples import schema_example

_WORDS = "The order was delivered on Tuesday."


class ToolCall(NamedTuple):
    """A tool that the model asks for."""

    name: str
    arguments: str


class Speech(NamedTuple):
    """Words or tool calls, never both."""

    words: str
    calls: tuple[ToolCall, ...] = ()


def speech(request: dict[str, Any]) -> Speech:
    """The answer to a request for a chat completion or a response."""
    calls = _calls(request)
    return Speech("", calls) if calls else Speech(_words(request))


def tokens(text: str) -> list[str]:
    """A text in the pieces in which it is streamed."""
    return re.findall(r"\S+\s*", text) or [text]


def reply_id(request: dict[str, Any], prefix: str) -> str:
    """The name of an answer: the one that the request's metadata wishes, else always the same."""
    wished = (request.get("metadata") or {}).get("reply_id")
    return str(wished or f"{prefix}-replay")


def _calls(request: dict[str, Any]) -> tuple[ToolCall, ...]:
    functions = [tool.get("function", tool) for tool in request.get("tools") or () if tool.get("type") == "function"]
    choice = request.get("tool_choice") or "auto"
    if not functions or choice == "none":
        return ()
    if isinstance(choice, dict):
        wanted = choice.get("function", choice).get("name")
        functions = [function for function in functions if function["name"] == wanted]
    if request.get("parallel_tool_calls") is False:
        functions = functions[:1]
    return tuple(
        ToolCall(function["name"], json.dumps(schema_example(function.get("parameters") or {})))
        for function in functions
    )


def _words(request: dict[str, Any]) -> str:
    wanted = request.get("response_format") or (request.get("text") or {}).get("format") or {}
    if wanted.get("type") == "json_object":
        return json.dumps({"answer": _WORDS})
    if wanted.get("type") == "json_schema":
        return json.dumps(schema_example(wanted.get("json_schema", wanted)["schema"]))
    return _WORDS
