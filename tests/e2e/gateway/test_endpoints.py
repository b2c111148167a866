"""Every endpoint beside chat, every arm beside the champion, and the client keys, with the openai SDK over sockets."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import math
import struct

import openai
import pytest
from starlette.responses import JSONResponse, StreamingResponse

from cli.app import main
from domain import config
from domain.records import Canary, Deployment
from gateway import server
from gateway.app import build

pytestmark = pytest.mark.slow  # a gateway on a socket, and real clients

VECTOR = [0.25, -1.5, 3.0]
MESSAGE = {
    "type": "message",
    "id": "m-1",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "refund", "annotations": [], "logprobs": []}],
}
RESPONSE = {
    "id": "r-1",
    "object": "response",
    "created_at": 1,
    "model": "m",
    "status": "completed",
    "output": [MESSAGE],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "error": None,
    "incomplete_details": None,
    "usage": {
        "input_tokens": 5,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 1,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 6,
    },
}


async def _model(request, body):
    """A model server for the three endpoints."""
    path = request.url.path.removeprefix("/v1")
    if path == "/embeddings":
        packed = base64.b64encode(struct.pack("<3f", *VECTOR)).decode()
        vector = packed if body.get("encoding_format") == "base64" else VECTOR
        data = [{"object": "embedding", "index": 0, "embedding": vector}]
        return JSONResponse(
            {"object": "list", "model": "m", "data": data, "usage": {"prompt_tokens": 3, "total_tokens": 3}}
        )
    if path == "/completions":
        choice = {"index": 0, "text": "refund", "logprobs": None, "finish_reason": "stop"}
        usage = {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}
        head = {"id": "t-1", "object": "text_completion", "created": 1, "model": "m", "choices": [choice]}
        return _events([head], sentinel=True) if body.get("stream") else JSONResponse({**head, "usage": usage})
    return _events(_response_events(), named=True) if body.get("stream") else JSONResponse(RESPONSE)


def _response_events():
    empty = {**RESPONSE, "status": "in_progress", "output": [], "usage": None}
    place = {"item_id": "m-1", "output_index": 0, "content_index": 0}
    part = MESSAGE["content"][0]
    steps = [
        {"type": "response.created", "response": empty},
        {"type": "response.output_item.added", "output_index": 0, "item": {**MESSAGE, "content": []}},
        {"type": "response.content_part.added", **place, "part": {**part, "text": ""}},
        {"type": "response.output_text.delta", **place, "delta": "ref", "logprobs": []},
        {"type": "response.output_text.delta", **place, "delta": "und", "logprobs": []},
        {"type": "response.output_text.done", **place, "text": "refund", "logprobs": []},
        {"type": "response.content_part.done", **place, "part": part},
        {"type": "response.output_item.done", "output_index": 0, "item": MESSAGE},
        {"type": "response.completed", "response": RESPONSE},
    ]
    return [{**step, "sequence_number": number} for number, step in enumerate(steps)]


def _events(events, *, named=False, sentinel=False):
    async def send():
        for event in events:
            yield (f"event: {event['type']}\n" if named else "") + f"data: {json.dumps(event)}\n\n"
        if sentinel:
            yield "data: [DONE]\n\n"

    return StreamingResponse(send(), media_type="text/event-stream")


@pytest.fixture
def models(world):
    """Both model servers answer the three endpoints."""
    world.student.reply = world.teacher.reply = _model
    return world


both = pytest.mark.parametrize("task", ["open", "intent"])  # passed on as it comes, and held for its verdict


@both
async def test_responses(models, task):
    """A response, whole and streamed, is what the SDK expects, and the exchange is one that can become a pair."""
    whole = await models.sdk.responses.create(model=task, input="please refund", instructions="classify")
    assert (whole.output_text, whole.usage.total_tokens) == ("refund", 6)
    async with models.sdk.responses.stream(model=task, input="please refund") as stream:
        kinds = [event.type async for event in stream]
        assert (await stream.get_final_response()).output_text == "refund"
    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"
    exchanges = await models.exchanges(2, task)
    assert {(one.endpoint, one.output_text, one.usable, one.usage.prompt_tokens) for one in exchanges} == {
        ("/responses", "refund", True, 5)
    }
    assert models.student.requests[0]["instructions"] == "classify"


@both
async def test_completions(models, task):
    """A text completion, whole and streamed."""
    whole = await models.sdk.completions.create(model=task, prompt="please refund", max_tokens=5)
    assert (whole.choices[0].text, whole.usage.total_tokens) == ("refund", 4)
    stream = await models.sdk.completions.create(model=task, prompt="please refund", stream=True)
    assert "".join([chunk.choices[0].text async for chunk in stream]) == "refund"
    assert models.student.requests[0] == {"model": "small-v1", "prompt": "please refund", "max_tokens": 5}


@pytest.mark.parametrize("encoding", ["float", "base64"])
async def test_embeddings(models, encoding):
    """Vectors arrive as they were sent, and come from the student or from nobody."""
    found = await models.sdk.embeddings.create(model="open", input=["please refund"], encoding_format=encoding)
    vector = found.data[0].embedding
    assert (list(struct.unpack("<3f", base64.b64decode(vector))) if encoding == "base64" else vector) == VECTOR
    models.student.reply = None  # it knows no vectors: the word decides, and there is none
    with pytest.raises(openai.APIStatusError):
        await models.sdk.embeddings.create(model="open", input="please refund")
    assert not models.teacher.requests


@pytest.mark.parametrize("stream", [False, True])
async def test_a_stored_completion_can_be_found_again(world, stream):
    """What was asked with `store: true` is listed by its metadata, got, read message by message, changed, deleted."""
    given = await world.ask("say refund", store=True, metadata={"team": "a"}, stream=stream)
    if stream:
        assert "".join([chunk.choices[0].delta.content or "" async for chunk in given]) == "refund"
    stored = world.sdk.chat.completions
    page = await _eventually(lambda: stored.list(metadata={"team": "a"}), lambda page: page.data)
    (found,) = page.data
    assert not (await stored.list(metadata={"team": "b"})).data
    got = await stored.retrieve(found.id)
    assert (got.choices[0].message.content, got.metadata) == ("refund", {"team": "a"})
    messages = await stored.messages.list(found.id)
    assert [message.content for message in messages.data] == ["say refund"]
    assert (await stored.update(found.id, metadata={"team": "c"})).metadata == {"team": "c"}
    assert (await stored.delete(found.id)).deleted
    with pytest.raises(openai.NotFoundError):
        await stored.retrieve(found.id)


async def _eventually(ask, good):
    for _ in range(100):
        found = await ask()
        if good(found):
            return found
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come")


async def test_a_challenger_answers_its_users(world):
    """After a canary was deployed some users, always the same, get the challenger; the others the champion."""
    await world.store.start()
    deployment = Deployment(
        task="intent", model="v1", reference_id="", at=1.0, by="me", reason="", canary=Canary("v2", 0.5)
    )
    await world.store.deploy(deployment)

    async def arm(user):
        raw = await world.sdk.chat.completions.with_raw_response.create(
            model="intent", messages=[{"role": "user", "content": "say refund"}], user=user
        )
        return raw.headers["x-preceptor-arm"]

    await _eventually(lambda: world.ask("say refund"), lambda _: world.student.requests[-1]["model"] in {"v1", "v2"})
    arms = {user: {await arm(user) for _ in range(3)} for user in map(str, range(12))}
    assert all(len(seen) == 1 for seen in arms.values())
    assert {arm for seen in arms.values() for arm in seen} == {"champion", "challenger"}
    assert {request["model"] for request in world.student.requests[-36:]} == {"v1", "v2"}


async def test_an_unsure_student_gives_way(world, kit, tmp_path):
    """With a cascade, log-probabilities that the client never sees decide between student and teacher."""
    shares = {"sure": 0.99, "unsure": 0.4}

    async def reply(request, body):
        share = shares[body["messages"][-1]["content"]]
        token = {"token": "refund", "logprob": math.log(share), "bytes": None, "top_logprobs": []}
        choice = {"index": 0, "message": {"role": "assistant", "content": "refund"}, "finish_reason": "stop"}
        choice["logprobs"] = {"content": [token], "refusal": None} if body.get("logprobs") else None
        return JSONResponse({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]})

    world.student.reply = reply
    world.teacher.reply = None
    async with _gateway(world, kit, tmp_path, "    cascade: {threshold: 0.9}\n") as url:
        sdk = openai.AsyncOpenAI(base_url=url, api_key="x", max_retries=0)
        ask = sdk.chat.completions.with_raw_response.create
        seen = {}
        world.teacher.reply = reply
        for word in shares:
            raw = await ask(model="intent", messages=[{"role": "user", "content": word}])
            seen[word] = raw.headers["x-preceptor-arm"], raw.parse().choices[0].logprobs
        await sdk.close()
    assert seen == {"sure": ("champion", None), "unsure": ("teacher", None)}


async def test_client_keys(world, kit, tmp_path, capsys):
    """With `auth: keys` nobody is answered without one, a key opens its own tasks, and a revoked one nothing."""
    path = tmp_path / "keys" / "preceptor.yaml"
    async with _gateway(world, kit, path.parent, "", server="auth: keys") as url:
        await _run("keys", "create", "app", "--task", "intent", "--config", path)
        secret = capsys.readouterr().out.strip()
        sdk = openai.AsyncOpenAI(base_url=url, api_key=secret, max_retries=0)
        message = [{"role": "user", "content": "say refund"}]
        with pytest.raises(openai.AuthenticationError):
            await sdk.with_options(api_key="wrong").chat.completions.create(model="intent", messages=message)
        answer = await _eventually(lambda: _or_none(sdk, "intent", message), bool)
        assert answer.choices[0].message.content == "refund"
        with pytest.raises(openai.NotFoundError):
            await sdk.chat.completions.create(model="open", messages=message)
        assert [model.id async for model in await sdk.models.list()] == ["intent"]
        await _run("keys", "revoke", "app", "--config", path)
        await _eventually(lambda: _or_none(sdk, "intent", message), lambda found: found is None)
        await sdk.close()


async def _run(*arguments):
    """A command, which has an event loop of its own."""
    with pytest.raises(SystemExit) as ended:
        await asyncio.to_thread(main, [str(argument) for argument in arguments])
    assert not ended.value.code


async def _or_none(sdk, task, message):
    with contextlib.suppress(openai.AuthenticationError):
        return await sdk.chat.completions.create(model=task, messages=message)
    return None


@contextlib.asynccontextmanager
async def _gateway(world, kit, folder, task, **sections):
    """Another gateway before the same model servers, with more in its configuration."""
    folder.mkdir(exist_ok=True)
    base = {name: str(getattr(world, name).url) for name in ("teacher", "student")}
    text = kit.CONFIG.format(**base, port=1).replace("    output: {labels", task + "    output: {labels")
    for section, options in sections.items():
        text = text.replace(f"{section}: {{", f"{section}: {{{options}, ")
    path = folder / "preceptor.yaml"
    path.write_text(text)
    settings = config.load(path)
    async with kit.serving_gateway(server.server(build(settings, load=lambda: settings, since=0.0))) as url:
        yield url
