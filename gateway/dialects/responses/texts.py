"""Where texts stand in responses, in their items and in the events of a stream.

An item may be of a kind that nobody knows yet, so every string in it is a text unless its key says otherwise.  A text
comes several times: in pieces, then whole in the events that close its part, its item and the response.  All of them
lead to the same place, and the same walk reads them and writes them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from gateway import decoding
from gateway.answers import CONTENT
from gateway.decoding import given, raw
from gateway.dialect import Fields

Visit = Callable[[str, str, bool], str]  # the place, the text, whether it is a piece; gives the text to stand there

_STRING = msgspec.json.Decoder(str)
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_NO_SCORES = msgspec.Raw(b"[]")
_OUTPUT, _CALL = "output", "function_call"

# Items that ask the client to do something; their texts stand in places that `Choice.calls_tools` knows.
_CALLS = frozenset(
    {
        "apply_patch_call",
        "computer_call",
        "custom_tool_call",
        "function_call",
        "local_shell_call",
        "mcp_approval_request",
        "shell_call",
    }
)
# Names, numbers and bytes, not texts.
_SKIPPED = frozenset(
    {
        "approval_request_id",
        "call_id",
        "caller",
        "caller_id",
        "container_id",
        "created_by",
        "detail",
        "encrypted_content",
        "file_data",
        "file_id",
        "fingerprint",
        "id",
        "image_url",
        "item_id",
        "logprobs",
        "name",
        "namespace",
        "obfuscation",
        "object",
        "partial_image_b64",
        "phase",
        "role",
        "sequence_number",
        "server_label",
        "status",
        "type",
    }
)
_FREE = frozenset({"arguments", "attributes", "env", "input_schema"})  # objects whose keys are not the API's


class _Spot(NamedTuple):
    """Where the text of an event belongs, and the field that has it whole; a piece is always in `delta`."""

    root: str
    path: str
    field: str


_SPOTS = {
    "response.output_item": _Spot(_OUTPUT, "", "item"),
    "response.content_part": _Spot(_OUTPUT, ".content.{0.content_index}", "part"),
    "response.output_text": _Spot(_OUTPUT, ".content.{0.content_index}.text", "text"),
    "response.output_text.annotation": _Spot(
        _OUTPUT, ".content.{0.content_index}.annotations.{0.annotation_index}", "annotation"
    ),
    "response.refusal": _Spot(_OUTPUT, ".content.{0.content_index}.refusal", "refusal"),
    "response.reasoning_text": _Spot(_OUTPUT, ".content.{0.content_index}.text", "text"),
    "response.reasoning_summary_part": _Spot(_OUTPUT, ".summary.{0.summary_index}", "part"),
    "response.reasoning_summary_text": _Spot(_OUTPUT, ".summary.{0.summary_index}.text", "text"),
    "response.function_call_arguments": _Spot(_CALL, ".arguments", "arguments"),
    "response.custom_tool_call_input": _Spot(_CALL, ".input", "input"),
    "response.shell_call_command": _Spot(_CALL, ".action.commands.{0.command_index}", "command"),
    "response.shell_call_output_content": _Spot(_OUTPUT, ".output.{0.command_index}", "output"),
    "response.mcp_call_arguments": _Spot(_OUTPUT, ".arguments", "arguments"),
    "response.code_interpreter_call_code": _Spot(_OUTPUT, ".code", "code"),
}
_SILENT = frozenset({"error", "response.audio.delta", "response.audio.done"})  # the server's words; bytes in base64


class Event(msgspec.Struct):
    """What says where the texts of an event belong."""

    type: str
    output_index: int = 0
    content_index: int = 0
    summary_index: int = 0
    command_index: int = 0
    annotation_index: int = 0


_EVENT = msgspec.json.Decoder(Event)


class Walk:
    """Shows every text of one answer to `visit` and puts what it gives in its place; all else stays to the byte."""

    def __init__(self, visit: Visit, *, scores: bool = True) -> None:
        """Without `scores` the log-probabilities go."""
        self._visit = visit
        self._scores = scores
        self._said = ""  # where the first text of a message stands: it is the content

    def event(self, data: bytes) -> bytes:
        """The data of the next event."""
        event, fields = _EVENT.decode(data), decoding.fields(data)
        kept = dict(fields)
        if "response" in fields:
            fields["response"] = self._response(fields["response"])
        elif event.type not in _SILENT:
            self._walk_event(event, fields)
        if not self._scores and "logprobs" in fields:
            fields["logprobs"] = _NO_SCORES
        return data if all(fields[key] is kept[key] for key in kept) else msgspec.json.encode(fields)

    def response(self, body: bytes) -> bytes:
        """A whole response."""
        return bytes(self._response(msgspec.Raw(body)))

    def value(
        self, value: msgspec.Raw, place: str, *, piece: bool = False, skipped: frozenset[str] = _SKIPPED
    ) -> msgspec.Raw:
        """Any value, with all the texts in it but those under `skipped` keys."""
        opening = _opening(value)
        if opening == b'"':
            text = _STRING.decode(value)
            new = self._visit(self._named(place), text, piece)
            return value if new == text else raw(new)
        if opening == b"{":
            return self._object(value, place, piece, skipped)
        if opening == b"[":
            items = _LIST.decode(value)
            news = [self.value(each, f"{place}.{n}", piece=piece, skipped=skipped) for n, each in enumerate(items)]
            return value if all(map(_same, items, news)) else raw(news)
        return value

    def _response(self, value: msgspec.Raw) -> msgspec.Raw:
        fields = decoding.fields(value)
        if not given(fields, "output"):
            return value
        items = _LIST.decode(fields["output"])
        news = [self._item(item, number) for number, item in enumerate(items)]
        return value if all(map(_same, items, news)) else raw(fields | {"output": raw(news)})

    def _walk_event(self, event: Event, fields: Fields) -> None:
        stem, _, phase = event.type.rpartition(".")
        piece = phase == "delta"
        spot = _SPOTS.get(stem)
        if spot is None:  # of a kind that nobody knows yet
            for key in [key for key in fields if key not in _SKIPPED]:
                place = f"{stem}.{event.output_index}" + ("" if key == "delta" else f".{key}")
                fields[key] = self.value(fields[key], place, piece=key == "delta")
            return
        field = "delta" if piece else spot.field
        if field not in fields:
            return
        if spot.field == "item":
            fields[field] = self._item(fields[field], event.output_index)
            return
        place = f"{spot.root}.{event.output_index}{spot.path.format(event)}"
        if stem == "response.output_text":
            self._said = self._said or place
        fields[field] = self.value(fields[field], place, piece=piece)

    def _item(self, item: msgspec.Raw, number: int) -> msgspec.Raw:
        root = _CALL if _kind(decoding.fields(item)) in _CALLS else _OUTPUT
        return self.value(item, f"{root}.{number}")

    def _object(self, value: msgspec.Raw, place: str, piece: bool, skipped: frozenset[str]) -> msgspec.Raw:
        fields = decoding.fields(value)
        kind = _kind(fields)
        if kind == "output_text":
            self._said = self._said or f"{place}.text"
        changed = {}
        for key, old in fields.items():
            if key in skipped or (kind == "image_generation_call" and key == "result"):
                continue
            below = frozenset[str]() if key in _FREE else skipped
            new = self.value(old, f"{place}.{key}", piece=piece, skipped=below)
            if new is not old:
                changed[key] = new
        if not self._scores and "logprobs" in fields:
            changed["logprobs"] = _NO_SCORES
        return raw(fields | changed) if changed else value

    def _named(self, place: str) -> str:
        if place == self._said:
            return CONTENT
        return place.removesuffix(".text")


def _kind(fields: Fields) -> str:
    kind = fields.get("type", _NO_SCORES)
    return _STRING.decode(kind) if _opening(kind) == b'"' else ""


def _opening(value: msgspec.Raw) -> bytes:
    return bytes(memoryview(value)[:1])


def _same(old: msgspec.Raw, new: msgspec.Raw) -> bool:
    return old is new
