"""Calls that are read to their end, which the SDK's own tests never do: they must give the same without the gateway.

Run by pytest beside the SDK's tests; each call goes to the gateway and to the replay upstream.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from typing import Any

import openai
import pydantic
import pytest

GATEWAY, UPSTREAM = os.environ["TEST_API_BASE_URL"], os.environ["COMPAT_UPSTREAM_URL"]
CHAT_MODEL = os.environ["COMPAT_MODEL"]
_ASK: dict[str, Any] = {"model": CHAT_MODEL, "messages": [{"role": "user", "content": "Where is my order?"}]}
_INPUT: dict[str, Any] = {"model": CHAT_MODEL, "input": "Where is my order?"}
_TEXT: dict[str, Any] = {"model": CHAT_MODEL, "prompt": ["Once", "Twice"], "n": 2, "logprobs": 1}
_SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}
_FUNCTIONS: list[dict[str, Any]] = [{"name": name, "strict": False, "parameters": _SCHEMA} for name in ("find", "book")]
_TOOLS = {"tools": [{"type": "function", "function": function} for function in _FUNCTIONS]}
_FLAT_TOOLS = {"tools": [{"type": "function"} | function for function in _FUNCTIONS]}
_USAGE = {"stream": True, "stream_options": {"include_usage": True}}
_MEASURED = {"logprobs": True, "top_logprobs": 2, "n": 2}


class Trip(pydantic.BaseModel):
    """A structured output."""

    city: str
    days: int


CALLS: dict[str, Callable[[Any], Any]] = {
    "chat": lambda sdk: sdk.chat.completions.create(**_ASK),
    "chat-measured": lambda sdk: sdk.chat.completions.create(**_ASK, **_MEASURED),
    "chat-tools": lambda sdk: sdk.chat.completions.create(**_ASK, **_TOOLS),
    "chat-json": lambda sdk: sdk.chat.completions.create(**_ASK, response_format={"type": "json_object"}),
    "chat-parse": lambda sdk: sdk.chat.completions.parse(**_ASK, response_format=Trip),
    "chat-stream": lambda sdk: sdk.chat.completions.create(**_ASK, stream=True),
    "chat-stream-measured": lambda sdk: sdk.chat.completions.create(**_ASK, **_MEASURED, **_USAGE),
    "chat-stream-tools": lambda sdk: sdk.chat.completions.create(**_ASK, **_TOOLS, **_USAGE),
    "chat-helper": lambda sdk: sdk.chat.completions.stream(**_ASK),
    "chat-helper-parse": lambda sdk: sdk.chat.completions.stream(**_ASK, response_format=Trip),
    "completion": lambda sdk: sdk.completions.create(**_TEXT),
    "completion-stream": lambda sdk: sdk.completions.create(**_TEXT, echo=True, **_USAGE),
    "embeddings": lambda sdk: sdk.embeddings.create(model=CHAT_MODEL, input=["a", "b"]),
    "embeddings-float": lambda sdk: sdk.embeddings.create(model=CHAT_MODEL, input=[[1, 2]], encoding_format="float"),
    "response": lambda sdk: sdk.responses.create(**_INPUT, instructions="Be brief.", metadata={"a": "b"}),
    "response-tools": lambda sdk: sdk.responses.create(**_INPUT, **_FLAT_TOOLS),
    "response-parse": lambda sdk: sdk.responses.parse(**_INPUT, text_format=Trip),
    "response-stream": lambda sdk: sdk.responses.create(**_INPUT, stream=True),
    "response-stream-tools": lambda sdk: sdk.responses.create(**_INPUT, **_FLAT_TOOLS, stream=True),
    "response-helper": lambda sdk: sdk.responses.stream(**_INPUT),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_sync(call: Callable[[Any], Any]) -> None:
    """The sync client gets the same from both."""
    seen = []
    for url in (GATEWAY, UPSTREAM):
        with openai.OpenAI(base_url=url, api_key="sk", max_retries=0) as sdk:
            found = call(sdk)
            if isinstance(found, pydantic.BaseModel):
                seen.append(_plain([found]))
            else:
                with found as items:
                    seen.append(_plain(items))
    assert seen[0] == seen[1]


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_async(call: Callable[[Any], Any]) -> None:
    """So does the async client."""
    seen = []
    for url in (GATEWAY, UPSTREAM):
        async with openai.AsyncOpenAI(base_url=url, api_key="sk", max_retries=0) as sdk:
            found = call(sdk)
            found = await found if inspect.isawaitable(found) else found
            if isinstance(found, pydantic.BaseModel):
                seen.append(_plain([found]))
            else:
                async with found as items:
                    seen.append(_plain([item async for item in items]))
    assert seen[0] == seen[1]


def _plain(items: Any) -> list[str]:
    """What was read, but for the name of the model, which the gateway chooses."""
    return [repr(item).replace(f"{CHAT_MODEL}-student", CHAT_MODEL) for item in items]
