"""The request bodies: a support ticket to be classified, small and large, streamed and not, with and without hits."""

from __future__ import annotations

import itertools
import json
from typing import Any

MODEL = "student-small"

_SYSTEM = (
    "You are a support-ticket classifier. Read the ticket and answer with one JSON object with the keys category "
    "(billing, shipping, account, technical, other), priority (low, normal, high), sentiment and summary."
)
_KEYS = ("category", "priority", "sentiment", "summary")
_TICKET = (
    "Hello, I have been charged twice for my October order and I only received one parcel.",
    "My bank statement shows the same amount on two days in a row, so I do not think it is a display error.",
    "Please refund the second payment before the end of the week, because rent is due on Monday.",
    "I wrote to your chat assistant yesterday, but the conversation ended before anybody could help me.",
    "The parcel itself is fine, although the box was a little wet when it arrived at the door.",
    "If you need the order number, it is on the delivery note that your warehouse put into the box.",
    "I would also like to know whether the discount for returning customers was applied at all.",
)
# What the default policies look for.  The key is no key: it is put together here so that no scanner takes it for one.
_HITS = " Write to jane.doe@example.com or call +49 30 901820; the test key was sk-proj-" + "a1B2c3D4" * 5 + "."


def _body(size: int, *, hits: bool = False, **extra: Any) -> dict[str, Any]:
    schema = {
        "type": "object",
        "additionalProperties": False,
        "required": list(_KEYS),
        "properties": {key: {"type": "string"} for key in _KEYS},
    }
    body = {
        "model": MODEL,
        "messages": [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": ""}],
        "temperature": 0,
        "max_tokens": 20,
        "seed": 0,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "ticket", "strict": True, "schema": schema},
        },
        **extra,
    }
    text, sentences = "", itertools.cycle(_TICKET)
    room = size - len(json.dumps(body)) - (len(_HITS) if hits else 0)
    while len(text) + len(sentence := next(sentences) + " ") <= room:
        text += sentence
    body["messages"][1]["content"] = text + (_HITS if hits else "")
    return body


# By name; max_tokens and seed tell the mock upstream how many events to send, and how many milliseconds apart.
_BODIES = {
    "small": _body(1400),
    "large": _body(20_000),
    "hits": _body(1400, hits=True),
    "stream": _body(1400, stream=True, max_tokens=20),
    "paced": _body(1400, stream=True, max_tokens=100, seed=20),
    "burst": _body(1400, stream=True, max_tokens=200),
    "open": _body(1400, stream=True, max_tokens=60, seed=1000),
    "flood": _body(1400, stream=True, max_tokens=1_000_000),
}


def encode(name: str, *, model: str = MODEL) -> bytes:
    """The JSON of the body of that name, asking for `model`."""
    return json.dumps(_BODIES[name] | {"model": model}).encode()
