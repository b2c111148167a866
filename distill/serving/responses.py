"""The wire format of `/v1/responses` for a student server: requests in, responses and events out.  Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec

from distill.serving import wire
from distill.serving.wire import ChatMessage, ChatRequest, ContentPart, WireError

_SCORES = "message.output_text.logprobs"
_TEXTS = frozenset({"input_text", "output_text", "text"})


class InputItem(msgspec.Struct, frozen=True):
    """A turn of the conversation, the only kind of item that a student reads."""

    role: str = ""
    content: str | list[ContentPart] | None = None
    type: str | None = None


class TextOptions(msgspec.Struct, frozen=True):
    """What form the answer should have."""

    format: dict[str, Any] | None = None


class ResponsesRequest(msgspec.Struct, frozen=True):
    """The fields that mean something to a student; sampling fields do not, as in chat completions."""

    model: str
    input: str | list[InputItem]
    instructions: str | None = None
    stream: bool | None = None
    include: list[str] | None = None
    top_logprobs: Annotated[int, msgspec.Meta(ge=0, le=wire.MAX_TOP)] | None = None
    metadata: dict[str, str] | None = None
    text: TextOptions | None = None
    tool_choice: Any = None
    background: bool | None = None
    conversation: Any = None
    previous_response_id: str | None = None
    prompt: Any = None

    def chat(self) -> ChatRequest:
        """The same as a conversation, which is what a student answers."""
        messages = [ChatMessage("system", self.instructions)] if self.instructions else []
        if isinstance(self.input, str):
            messages.append(ChatMessage("user", self.input))
        else:
            messages += [ChatMessage(item.role, item.content) for item in self.input]
        scored = _SCORES in (self.include or ()) or bool(self.top_logprobs)
        return ChatRequest(model=self.model, messages=messages, logprobs=scored, top_logprobs=self.top_logprobs)


_DECODER = msgspec.json.Decoder(ResponsesRequest)


def decode(body: bytes) -> ResponsesRequest:
    """The request in a body.

    Raises:
        WireError: it is no request for a response, or asks for what a student cannot do.
    """
    request = wire.parsed(body, _DECODER)
    _refuse_what_a_student_cannot(request)
    return request


def completed(request: ResponsesRequest, reply: wire.Reply) -> bytes:
    """The body of a whole response."""
    return msgspec.json.encode(_completed(request, reply))


def events(request: ResponsesRequest, reply: wire.Reply) -> Iterator[bytes]:
    """The server-sent events of a streamed response: the answer is one token, so there is one piece."""
    begun = _response(request, reply) | {"status": "in_progress", "output": [], "usage": None}
    item, part = _item(reply), _part(reply)
    spot = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    empty = part | {"text": "", "logprobs": []}
    steps: list[tuple[str, dict[str, Any]]] = [
        ("created", {"response": begun}),
        ("in_progress", {"response": begun}),
        ("output_item.added", {"output_index": 0, "item": item | {"status": "in_progress", "content": []}}),
        ("content_part.added", spot | {"part": empty}),
        ("output_text.delta", spot | {"delta": reply.answer, "logprobs": part["logprobs"]}),
        ("output_text.done", spot | {"text": reply.answer, "logprobs": part["logprobs"]}),
        ("content_part.done", spot | {"part": part}),
        ("output_item.done", {"output_index": 0, "item": item}),
        ("completed", {"response": _completed(request, reply)}),
    ]
    for number, (step, fields) in enumerate(steps):
        event = {"type": f"response.{step}", "sequence_number": number} | fields
        yield b"event: response.%b\ndata: %b\n\n" % (step.encode(), msgspec.json.encode(event))


def _completed(request: ResponsesRequest, reply: wire.Reply) -> dict[str, Any]:
    usage = {
        "input_tokens": reply.prompt_tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 1,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": reply.prompt_tokens + 1,
    }
    return _response(request, reply) | {"status": "completed", "output": [_item(reply)], "usage": usage}


def _response(request: ResponsesRequest, reply: wire.Reply) -> dict[str, Any]:
    return {
        "id": reply.id,
        "object": "response",
        "created_at": reply.created,
        "model": reply.model,
        "error": None,
        "incomplete_details": None,
        "instructions": request.instructions,
        "metadata": request.metadata or {},
        "parallel_tool_calls": False,
        "temperature": None,
        "tool_choice": request.tool_choice or "auto",
        "tools": [],
        "top_p": None,
        "store": False,
    }


def _item(reply: wire.Reply) -> dict[str, Any]:
    name = reply.id.replace("resp_", "msg_", 1)
    return {"id": name, "type": "message", "role": "assistant", "status": "completed", "content": [_part(reply)]}


def _part(reply: wire.Reply) -> dict[str, Any]:
    return {"type": "output_text", "text": reply.answer, "annotations": [], "logprobs": reply.tokens or []}


def _refuse_what_a_student_cannot(request: ResponsesRequest) -> None:
    for name in ("background", "conversation", "previous_response_id", "prompt"):
        if getattr(request, name):
            raise WireError(400, f"A student reads its input and nothing else; {name} is not supported.", param=name)
    if request.text and (request.text.format or {}).get("type", "text") != "text":
        raise WireError(400, "A student answers with a label; text.format must be text.", param="text.format")
    if request.tool_choice not in (None, "none", "auto"):
        raise WireError(400, "A student calls no tools; tool_choice must be none or auto.", param="tool_choice")
    for item in [] if isinstance(request.input, str) else request.input:
        if item.type not in (None, "message"):
            problem = f"A student reads messages; {item.type[:32]!r} items are not supported."
            raise WireError(400, problem, param="input")
        _refuse_other_parts(item)


def _refuse_other_parts(item: InputItem) -> None:
    parts = item.content if isinstance(item.content, list) else []
    if other := next((part.type for part in parts if part.type not in _TEXTS), None):
        raise WireError(400, f"A student reads text; {other[:32]!r} content is not supported.", param="input")
