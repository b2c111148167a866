"""Responses that leave behind a window, as the openai SDK puts them together over a socket."""

from __future__ import annotations

import asyncio
import json

import openai
import pytest
from starlette.responses import JSONResponse, StreamingResponse

from domain import config
from gateway import server
from gateway.app import build

WORDS = "some quite harmless words about nothing at all, "
EMAIL = "jane.doe@gmail.com"
KEY = "gh" + "p_" + "a1B2c3D4e5" * 4
USAGE = {
    "input_tokens": 5,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 1,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 6,
}


def _response(output, status, usage):
    common = {"id": "r-1", "object": "response", "created_at": 1, "model": "m", "error": None}
    asked = {"parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "incomplete_details": None}
    return {**common, **asked, "status": status, "output": output, "usage": usage}


def _message(text):
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {"type": "message", "id": "m-1", "role": "assistant", "status": "completed", "content": [part]}


def _call(arguments):
    named = {"id": "f-1", "call_id": "c-1", "name": "look_up", "status": "completed"}
    return {"type": "function_call", **named, "arguments": arguments}


def _events(arguments, text, size=5):
    """A call of a function, then a message, with every text told four times."""
    call, message = _call(arguments), _message(text)
    at, part = {"item_id": "m-1", "output_index": 1, "content_index": 0}, message["content"][0]
    called = {"item_id": "f-1", "output_index": 0}
    steps = [
        {"type": "response.created", "response": _response([], "in_progress", None)},
        {"type": "response.output_item.added", "output_index": 0, "item": {**call, "arguments": ""}},
        {"type": "response.function_call_arguments.delta", **called, "delta": arguments},
        {"type": "response.function_call_arguments.done", **called, "name": "look_up", "arguments": arguments},
        {"type": "response.output_item.done", "output_index": 0, "item": call},
        {"type": "response.output_item.added", "output_index": 1, "item": {**message, "content": []}},
        {"type": "response.content_part.added", **at, "part": {**part, "text": ""}},
    ]
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    steps += [{"type": "response.output_text.delta", **at, "delta": piece, "logprobs": []} for piece in pieces]
    steps += [
        {"type": "response.output_text.done", **at, "text": text, "logprobs": []},
        {"type": "response.content_part.done", **at, "part": part},
        {"type": "response.output_item.done", "output_index": 1, "item": message},
        {"type": "response.completed", "response": _response([call, message], "completed", USAGE)},
    ]
    return [{**step, "sequence_number": number} for number, step in enumerate(steps)]


def _writes(arguments, text, *, until=1_000_000, gate=None):
    """A model server that always answers so, streamed or whole; after `until` events it waits for the gate."""

    async def reply(request, body):
        if not body.get("stream"):
            return JSONResponse(_response([_call(arguments), _message(text)], "completed", USAGE))

        async def send():
            for event in _events(arguments, text):
                if event["sequence_number"] == until:
                    await gate.wait()
                yield f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"

        return StreamingResponse(send(), media_type="text/event-stream")

    return reply


@pytest.fixture
async def checked(world, kit, tmp_path):
    """The SDK of a gateway whose free text is checked in a window."""
    text = kit.CONFIG.format(teacher=world.teacher.url, student=world.student.url, port=1)
    checks = "policies: {input: [], output: [length, secrets, {pii: {verdict: redact}}]}"
    path = tmp_path / "checked" / "preceptor.yaml"
    path.parent.mkdir()
    path.write_text(text.replace("policies: {input: [], output: []}", checks))
    settings = config.load(path)
    async with kit.serving_gateway(server.server(build(settings, load=lambda: settings, since=0.0))) as url:
        sdk = openai.AsyncOpenAI(base_url=url, api_key="x", max_retries=0)
        yield sdk
        await sdk.close()


async def test_a_redacted_stream_is_the_redacted_response(world, checked):
    """What the SDK puts together from the events is what it gets whole: no address in any of the repetitions."""
    world.student.reply = _writes(json.dumps({"to": EMAIL}), WORDS * 10 + f"write to {EMAIL} soon, " + WORDS * 10)
    whole = await checked.responses.create(model="open", input="whom?")
    assert whole.output_text == WORDS * 10 + "write to [email] soon, " + WORDS * 10
    async with checked.responses.stream(model="open", input="whom?") as stream:
        events = [event async for event in stream]
        final = await stream.get_final_response()
    dumped = [response.model_dump(exclude={"output"}) for response in (whole, final)]
    assert dumped[0] == dumped[1]
    assert final.output_text == whole.output_text
    assert final.output[0].arguments == whole.output[0].arguments == '{"to": "[email]"}'
    said = [event for event in events if event.type == "response.output_text.delta"]
    assert "".join(event.delta for event in said) == said[-1].snapshot == whole.output_text
    assert EMAIL not in "".join(event.model_dump_json(warnings=False) for event in events)


async def test_a_blocked_stream_ends_as_an_incomplete_response(world, checked):
    """The SDK reads on to the end: the response that was announced is incomplete, by the content filter, and empty."""
    before = WORDS * 20 + "the key is "
    gate, events, said = asyncio.Event(), [], ""
    world.student.reply = _writes('{"to": "x"}', before + f"{KEY} and " + WORDS * 20, until=150, gate=gate)
    async with checked.responses.stream(model="open", input="which?") as stream:
        async for event in stream:
            events.append(event)
            if event.type == "response.output_text.delta":
                said = event.snapshot
                gate.set()  # the client has a part before the model has written the rest
    assert gate.is_set()
    assert before.startswith(said)
    last = events[-1]
    assert (last.type, last.response.id, last.response.created_at) == ("response.incomplete", "r-1", 1)
    assert (last.response.output, last.response.incomplete_details.reason) == ([], "content_filter")
    assert [event.sequence_number for event in events] == list(range(len(events)))
