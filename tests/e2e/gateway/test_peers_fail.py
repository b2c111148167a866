"""What other gateways get wrong, each as a client sees it, over real sockets."""

from __future__ import annotations

import asyncio
import itertools
import json

import httpx2
import openai
import pytest
from starlette.responses import JSONResponse, Response, StreamingResponse

pytestmark = pytest.mark.slow  # a gateway on a socket, and real clients

HUGE = 2**70 + 1  # an integer that a float would round
HEAD = {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
USER = {"role": "user", "content": "please refund"}
TASKS = ["open", "intent"]  # a stream that is passed on as it comes, and one that is held for its verdict
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}}
AUDIO = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
FILE = {"type": "file", "file": {"file_id": "file-1", "vendor": 1}}
SCHEMA = {"name": "s", "strict": True, "schema": {"type": "object", "properties": {"a": {"const": HUGE}}}}
TOOL = {"type": "function", "function": {"name": "find", "strict": True, "parameters": {"type": "object"}}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "find", "arguments": "{}"}}


def chunk(delta=None, *, index=0, reason=None, **more):
    """A chunk of one choice; `more` stands beside the choices."""
    choice = {"index": index, "delta": delta or {}, "finish_reason": reason}
    return {**HEAD, "choices": [choice], **more}


def framed(event):
    """An event on the wire: JSON as a server writes it, or the text that stands in its place."""
    return f"data: {event if isinstance(event, str) else json.dumps(event)}\n\n"


def streams(*events, then=None):
    """A reply that sends events and [DONE]; `then` is awaited in place of [DONE]."""

    async def send():
        for event in events:
            yield framed(event)
        if then is None:
            yield "data: [DONE]\n\n"
        else:
            await then()

    async def reply(request, body):
        return StreamingResponse(send(), media_type="text/event-stream")

    return reply


def answers(body, status=200, headers=None):
    """A reply that is one JSON value."""

    async def reply(request, _):
        return JSONResponse(body, status, headers=headers)

    return reply


async def posted(world, body, *, path="/chat/completions", headers=None):
    """The raw reply to a request; a number of more than 53 bits arrives as it was written."""
    async with httpx2.AsyncClient(timeout=10) as client:
        return await client.post(world.url + path, content=json.dumps(body), headers=headers)


def told(reply):
    """The data of the events of a raw stream."""
    return [line.removeprefix("data: ") for line in reply.text.splitlines() if line.startswith("data:")]


FIELDS = [
    {"messages": [{"role": "developer", "content": "be brief", "name": "d"}, USER]},
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "refund"}, IMAGE, AUDIO, FILE]}]},
    {"messages": [USER, {"role": "assistant", "tool_calls": [CALL], "reasoning_content": "so", "refusal": None}]},
    {"messages": [USER, {"role": "tool", "tool_call_id": "call_1", "content": "found", "vendor": HUGE}]},
    {"messages": [USER], "tools": [TOOL], "tool_choice": "required", "parallel_tool_calls": False},
    {"messages": [USER], "response_format": {"type": "json_schema", "json_schema": SCHEMA}},
    {"messages": [USER], "logprobs": True, "top_logprobs": 2, "logit_bias": {"50256": -100}},
    {"messages": [USER], "seed": -HUGE, "temperature": 0.1, "top_k": 4, "vendor": {"deep": [HUGE, None, 1.5e300]}},
    {"messages": [USER], "stop": ["\n", "\u2028é"], "max_tokens": None, "extra_body": {"n": 0}},
]


@pytest.mark.parametrize("stream", [False, True])
async def test_every_request_field_arrives_as_it_was(world, stream):
    """Known or not, at any depth: the upstream gets every field with its value, and nothing but another model."""
    asked = {"stream": True} if stream else {}
    added = {"stream_options": {"include_usage": True}} if stream else {}  # by the gateway, for its ledger
    world.student.reply = streams(chunk(reason="stop")) if stream else answers(_whole({"content": "refund"}))
    for fields in FIELDS:
        assert (await posted(world, {"model": "open", **fields, **asked})).status_code == 200
    assert world.student.requests == [{**fields, **asked, **added, "model": "small-v1"} for fields in FIELDS]


def _whole(message, **more):
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop", "logprobs": None}
    return {**HEAD, "object": "chat.completion", "choices": [choice], **more}


EXTRAS = [
    {"refusal": "no, thanks"},
    {"reasoning_content": "let me think", "reasoning": "so"},
    {"vendor": {"deep": [HUGE, -HUGE, 0.1, None]}},
    {"annotations": [{"type": "url_citation", "url_citation": {"url": "https://a.example", "start_index": HUGE}}]},
    {"audio": {"id": "a", "data": "AAAA", "transcript": "refund", "expires_at": 1}},
]


@pytest.mark.parametrize("task", TASKS)
async def test_every_field_of_an_answer_arrives_as_it_was(world, task):
    """A whole answer reaches the client byte for byte."""
    for extra in EXTRAS:
        body = _whole({"content": "refund", **extra}, usage={"prompt_tokens": 1, "cost": HUGE}, x_vendor=HUGE)
        world.student.reply = answers(body)
        reply = await posted(world, {"model": task, "messages": [USER]})
        assert reply.content == JSONResponse(body).body
        assert reply.headers["x-preceptor-arm"] == "champion"


@pytest.mark.parametrize("task", TASKS)
async def test_every_field_of_an_event_arrives_as_it_was(world, task):
    """So does each event of a stream, the last content together with its finish_reason too."""
    for extra in EXTRAS:
        events = [
            chunk({"role": "assistant", "content": ""}, usage=None),
            chunk({"content": "ref", **extra}, x_vendor=HUGE),
            chunk({"content": "und"}, reason="stop", service_tier="flex"),
        ]
        world.student.reply = streams(*events)
        reply = await posted(world, {"model": task, "messages": [USER], "stream": True})
        assert told(reply) == [*map(json.dumps, events), "[DONE]"]


ERRORS = [
    (400, {"code": "context_length_exceeded", "param": "messages", "type": "t"}, {}, openai.BadRequestError),
    (413, {"code": 413, "param": None, "type": "t", "vendor": HUGE}, {}, openai.APIStatusError),
    (422, {"code": "c", "param": "tools.0", "type": "t"}, {}, openai.UnprocessableEntityError),
    (429, {"code": "insufficient_quota", "param": None, "type": "t"}, {"retry-after": "17"}, openai.RateLimitError),
    (500, {"code": None, "param": None, "type": "server_error"}, {}, openai.InternalServerError),
    (503, {"code": "busy", "param": None, "type": "t"}, {"retry-after": "60"}, openai.InternalServerError),
]


@pytest.mark.parametrize(("status", "error", "headers", "kind"), ERRORS, ids=[str(row[0]) for row in ERRORS])
async def test_an_upstreams_error_is_kept(world, status, error, headers, kind):
    """Status, code, param, type, unknown fields and Retry-After reach the client, streamed or not, and nothing more."""
    for server in (world.student, world.teacher):
        server.reply = answers({"error": {"message": "m", **error}}, status, headers)
    for task, stream in itertools.product(TASKS, (False, True)):
        await _is_kept(world.ask("please refund", task=task, stream=stream), status, error, headers, kind)


async def _is_kept(call, status, error, headers, kind):
    with pytest.raises(kind) as caught:
        await call
    assert caught.value.status_code == status
    assert caught.value.body == {"message": "m", **error}
    assert caught.value.code == (error["code"] and str(error["code"]))  # the SDK's own conversion
    assert caught.value.response.headers.get("retry-after") == headers.get("retry-after")


@pytest.mark.parametrize("task", TASKS)
async def test_the_usage_chunk_has_no_choices(world, task):
    """The usage that the client asked for comes last, with `choices: []`; unasked, it does not come at all."""
    usage = {**HEAD, "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}}
    world.student.reply = streams(chunk({"content": "refund"}, reason="stop"), usage)
    for asked in (True, False):
        options = {"stream_options": {"include_usage": True}} if asked else {}
        reply = await posted(world, {"model": task, "messages": [USER], "stream": True, **options})
        *events, done = told(reply)
        assert done == "[DONE]"
        assert [json.loads(event)["choices"] for event in events].count([]) == asked
        assert ("usage" in json.loads(events[-1])) is asked


@pytest.mark.parametrize("task", TASKS)
async def test_both_choices_of_a_stream_finish(world, task):
    """n=2: each choice keeps its own texts and its own finish_reason."""
    events = [
        chunk({"content": "ref"}),
        chunk({"content": "can"}, index=1),
        chunk({"content": "und"}),
        chunk(reason="stop"),
        chunk({"content": "cel"}, index=1),
        chunk(index=1, reason="stop"),
    ]
    world.student.reply = streams(*events)
    stream = await world.ask("please refund", task=task, n=2, stream=True)
    texts, reasons = {0: "", 1: ""}, {}
    async for event in stream:
        for choice in event.choices:
            texts[choice.index] += choice.delta.content or ""
            if choice.finish_reason:
                reasons[choice.index] = choice.finish_reason
    assert texts == {0: "refund", 1: "cancel"}
    assert reasons == {0: "stop", 1: "stop"}


@pytest.mark.parametrize("task", TASKS)
async def test_parallel_tool_calls_stream_interleaved(world, task):
    """Pieces of the arguments of two calls keep their index, id and order."""
    opening = [
        {"index": number, "id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": ""}}
        for number, name in enumerate(["find", "book"])
    ]
    pieces = [(0, '{"a'), (1, '{"b": '), (0, '": 1'), (1, "2}"), (0, "}")]
    deltas = [{"role": "assistant", "content": None, "tool_calls": [opening[0]]}, {"tool_calls": [opening[1]]}]
    deltas += [{"tool_calls": [{"index": index, "function": {"arguments": text}}]} for index, text in pieces]
    world.student.reply = streams(*map(chunk, deltas), chunk(reason="tool_calls"))
    found, reasons = {}, []
    for event in await _read(await world.ask("please refund", task=task, tools=[TOOL], stream=True)):
        reasons += [choice.finish_reason for choice in event.choices if choice.finish_reason]
        for call in event.choices[0].delta.tool_calls or ():
            seen = found.setdefault(call.index, {"id": call.id, "name": call.function.name, "arguments": ""})
            seen["arguments"] += call.function.arguments
    assert reasons == ["tool_calls"]
    assert found == {
        0: {"id": "call_0", "name": "find", "arguments": '{"a": 1}'},
        1: {"id": "call_1", "name": "book", "arguments": '{"b": 2}'},
    }


@pytest.mark.parametrize("task", TASKS)
async def test_logprobs_stream(world, task):
    """Each token comes with its log-probability, alternatives and bytes."""
    token = {"token": "refund", "logprob": -0.123456789012345678, "bytes": [114], "top_logprobs": []}
    event = chunk({"content": "refund"}, reason="stop")
    event["choices"][0]["logprobs"] = {"content": [token], "refusal": None}
    world.student.reply = streams(event)
    stream = await world.ask("please refund", task=task, logprobs=True, stream=True)
    (choice,) = [choice async for event in stream for choice in event.choices]
    assert choice.logprobs.content[0].model_dump() == token


@pytest.mark.parametrize("stream", [False, True])
async def test_the_names_of_a_request_are_kept(world, stream):
    """x-request-id reaches upstream and client, traceparent and tracestate the upstream; the client's key does not."""
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    names = {"x-request-id": "mine-1", "traceparent": trace, "tracestate": "vendor=1", "authorization": "Bearer sk"}
    reply = await posted(world, {"model": "open", "messages": [USER], "stream": stream}, headers=names)
    assert reply.headers["x-request-id"] == "mine-1"
    (seen,) = world.student.headers
    assert {name: seen.get(name) for name in names} == {**names, "authorization": None}


@pytest.mark.parametrize(("word", "stream"), [("hang", False), ("hang", True), ("endless", True)])
async def test_a_client_that_gives_up_stops_the_student(world, word, stream):
    """Before the first byte and in the middle of a stream: the student sees the client's own timeout end its work."""
    patience = httpx2.Timeout(5, read=0.3)
    with pytest.raises(openai.APITimeoutError):
        await _read(await world.ask(f"now {word}", task="open", stream=stream, timeout=patience))
    await asyncio.wait_for(world.student.left.wait(), 1)
    assert not world.teacher.requests


async def _read(stream):
    return [event async for event in stream]


async def _nothing():
    """The body ends as it should, without [DONE]."""


async def _cut():
    raise ConnectionResetError  # uvicorn closes the connection within the body


async def _stall():
    await asyncio.Event().wait()


FAULTS = {  # what an upstream does in place of the end of its stream: a last event, or an act
    "no end": ((), _nothing),
    "cut": ((), _cut),
    "stall": ((), _stall),
    "half an event": (('{"id": "c-1", "choi',), None),
    "another event": (("[]",), None),
    "error": (({"error": {"message": "overloaded", "type": "server_error", "code": "busy"}},), None),
}
BROKEN = pytest.mark.parametrize(  # the world is patient with a silent upstream unless that is the fault
    ("world", "fault"),
    [pytest.param(0.5, name, marks=pytest.mark.slow) if name == "stall" else (5, name) for name in FAULTS],
    indirect=["world"],
    ids=list(FAULTS),
)
PATHS = {  # the client's call, and what begins an answer
    "/chat/completions": ({"messages": [USER]}, [chunk({"role": "assistant"}), chunk({"content": "ref"})]),
    "/completions": (
        {"prompt": "please refund"},
        [{**HEAD, "object": "text_completion", "choices": [{"index": 0, "text": "ref", "finish_reason": None}]}],
    ),
    "/responses": (
        {"input": "please refund"},
        [
            {"type": "response.created", "sequence_number": 0, "response": {"id": "r-1", "output": []}},
            {
                "type": "response.output_text.delta",
                "sequence_number": 1,
                "item_id": "i",
                "output_index": 0,
                "content_index": 0,
                "delta": "ref",
                "logprobs": [],
            },
        ],
    ),
}


def _call(world, path):
    """The SDK's method for a path."""
    names = {"/chat/completions": world.sdk.chat.completions, "/completions": world.sdk.completions}
    return names.get(path, world.sdk.responses).create


@BROKEN
async def test_a_broken_stream_is_an_error_in_the_sdk(world, fault):
    """The events before the fault arrive; then the SDK raises what is no fault of the request, and may be retried."""
    last, then = FAULTS[fault]
    for path, (asked, begun) in PATHS.items():
        world.student.reply = streams(*begun, *last, then=then)
        stream = await _call(world, path)(model="open", stream=True, **asked)
        for _ in begun:
            await anext(stream)
        with pytest.raises(openai.APIError) as caught:
            await anext(stream)
        assert not isinstance(caught.value, openai.APIStatusError)
        assert caught.value.body["type"] in {"api_error", "server_error"}
    assert [exchange.usable for exchange in await world.exchanges(3, "open")] == [False] * 3


@BROKEN
async def test_a_broken_stream_invents_nothing(world, fault):
    """On the wire: only valid JSON, an error as the last event, no [DONE], and no finish_reason or completion."""
    last, then = FAULTS[fault]
    for path, (asked, begun) in PATHS.items():
        world.student.reply = streams(*begun, *last, then=then)
        reply = await posted(world, {"model": "open", "stream": True, **asked}, path=path)
        *events, error = [json.loads(data) for data in told(reply)]
        assert events == begun
        if fault == "error":  # what the upstream said of it is kept
            assert error["error"] == last[0]["error"]
        else:
            assert set(error["error"]) == {"message", "type", "param", "code"}


@BROKEN
async def test_a_stream_that_broke_before_it_spoke_fails_over(world, fault):
    """An announcement commits to nothing: the teacher answers, and the client hears of no failure."""
    last, then = FAULTS[fault]
    world.student.reply = streams(chunk({"role": "assistant", "content": ""}), *last, then=then)
    for task in TASKS:
        stream = await world.ask("say 500", task=task, stream=True)
        assert stream.response.headers["x-preceptor-arm"] == "teacher"
        text = "".join([choice.delta.content or "" for event in await _read(stream) for choice in event.choices])
        assert text == "cancel"


@pytest.mark.parametrize("task", TASKS)
async def test_keep_alives_of_an_upstream_are_no_events(world, task):
    """Comments, empty data and unknown fields, which make the SDK crash, end at the gateway."""

    async def reply(request, body):
        noise = ": ping\n\ndata:\n\ndata: \n\nretry: 5\n\nid: 7\nevent: ping\n\n"
        event = framed(chunk({"content": "refund"}, reason="stop"))
        return Response(f"{noise}{event}{noise}data: [DONE]\n\n", media_type="text/event-stream")

    world.student.reply = reply
    asked = {"model": task, "messages": [USER], "stream": True}
    assert told(await posted(world, asked)) == [json.dumps(chunk({"content": "refund"}, reason="stop")), "[DONE]"]
    assert len(await _read(await world.ask("please refund", task=task, stream=True))) == 1
