"""The chunks of a stream, put together to the completion that would have been sent whole."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

_Object = dict[str, Any]

_SAID_ONCE = frozenset({"role", "id", "type", "name"})  # in a delta; other strings come in pieces


def assembled(chunks: Iterable[bytes]) -> bytes:
    """The completion in the data of its events, which must be well formed."""
    whole: _Object = {}
    choices: dict[int, _Object] = {}
    for chunk in map(msgspec.json.decode, chunks):
        for choice in chunk.pop("choices", ()):
            _add(choices.setdefault(choice.get("index", 0), _silence()), choice)
        _say_once(whole, chunk)
    for choice in choices.values():
        for call in choice["message"].get("tool_calls") or ():
            call.pop("index", None)
    return msgspec.json.encode(
        whole | {"object": "chat.completion", "choices": [choice for _, choice in sorted(choices.items())]}
    )


def _silence() -> _Object:
    return {"message": {"role": "assistant", "content": None, "refusal": None}, "logprobs": None}


def _add(choice: _Object, chunk: _Object) -> None:
    _merge(choice["message"], chunk.pop("delta", None) or {})
    logprobs = chunk.pop("logprobs", None)
    if logprobs:
        choice["logprobs"] = choice["logprobs"] or {}
        _merge(choice["logprobs"], logprobs)
    _say_once(choice, chunk)


def _say_once(known: _Object, chunk: _Object) -> None:
    known |= {name: value for name, value in chunk.items() if value is not None or name not in known}


def _merge(known: _Object, delta: _Object) -> None:
    """Strings are continued, lists of indexed objects merged by index, everything else is said once."""
    for name, value in delta.items():
        before = known.get(name)
        if value is None:
            known.setdefault(name, None)
        elif isinstance(value, list):
            known[name] = _merged(before if isinstance(before, list) else [], value)
        elif isinstance(value, str) and isinstance(before, str) and name not in _SAID_ONCE:
            known[name] = before + value
        elif isinstance(value, dict) and isinstance(before, dict):
            _merge(before, value)
        else:
            known[name] = value


def _merged(known: list[Any], items: list[Any]) -> list[Any]:
    by_index = {item["index"]: item for item in known if isinstance(item, dict) and "index" in item}
    for item in items:
        index = item.get("index") if isinstance(item, dict) else None
        if index in by_index:
            _merge(by_index[index], item)
            continue
        known.append(item)
        if index is not None:
            by_index[index] = item
    return known
