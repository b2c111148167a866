"""The gateway over real sockets: uvicorn, the embedded store, the openai SDK as client, model servers on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import openai
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from adapters.stores.sqlite import from_url
from domain import config
from domain.records import Deployment
from gateway import server
from gateway.app import build

ROOT = Path(__file__).resolve().parents[2]
CONFIG = """
upstreams:
  teacher: {{base_url: "{teacher}", timeout_s: 5, connect_timeout_s: 2}}
  student: {{base_url: "{student}", timeout_s: 5, connect_timeout_s: 2}}
server: {{port: {port}, max_body_bytes: 100000}}
store: {{url: "sqlite:///preceptor.db"}}
embedders: {{minilm: {{}}}}
tasks:
  intent:
    teacher: {{upstream: teacher, model: big, price: gpt-4o}}
    student: {{upstream: student, model: small-v1}}
    output: {{labels: [refund, cancel]}}
  open:
    teacher: {{upstream: teacher, model: big}}
    student: {{upstream: student, model: small-v1}}
    output: {{text: {{}}}}
    policies: {{input: [], output: []}}
"""


class ModelServer:
    """An OpenAI-compatible server whose answer the last word of the input decides."""

    def __init__(self) -> None:
        self.requests: list[dict] = []
        self.headers: list[dict] = []
        self.left = asyncio.Event()
        self.asked = asyncio.Event()
        self.app = Starlette(routes=[Route("/v1/chat/completions", self.chat, methods=["POST"])])

    async def chat(self, request):
        body = json.loads(await request.body())
        self.requests.append(body)
        self.headers.append(dict(request.headers))
        self.asked.set()
        word = body["messages"][-1]["content"].split()[-1]
        if word == "hang":
            return await self._hang(request)
        if word.isdigit() and body["model"] != "big":
            return JSONResponse({"error": {"message": "m", "type": "t", "param": None, "code": "c"}}, int(word))
        if word == "html":
            return Response("<html>busy</html>", 503, headers={"retry-after": "7"})
        if body["model"] == "big" and word in {"banana", "html"} or word.isdigit():
            word = "cancel"
        if body.get("stream"):
            return StreamingResponse(self._events(word, body), media_type="text/event-stream")
        return JSONResponse(self._whole(word))

    async def _hang(self, request):
        while not await request.is_disconnected():
            await asyncio.sleep(0.005)
        self.left.set()
        return Response()

    def _whole(self, word):
        message = {"role": "assistant", "content": word, "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        usage = {"prompt_tokens": 100, "completion_tokens": 2, "total_tokens": 102}
        head = {"id": "c-1", "object": "chat.completion", "created": 1, "model": "m", "vendor": "x"}
        return {**head, "choices": [choice], "usage": usage}

    async def _events(self, word, body):
        head = {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        deltas = [{"role": "assistant", "content": ""}, *({"content": letter} for letter in word), {}]
        try:
            for number, delta in enumerate(deltas):
                reason = "stop" if number == len(deltas) - 1 else None
                choice = {"index": 0, "delta": delta, "finish_reason": reason}
                yield f"data: {json.dumps({**head, 'choices': [choice]})}\n\n"
                if word == "cut" and number == 2:
                    return
                if word == "endless" and number == 2:
                    await asyncio.Event().wait()
        finally:
            if word == "endless":
                self.left.set()
        if (body.get("stream_options") or {}).get("include_usage"):
            yield f"data: {json.dumps({**head, 'choices': [], 'usage': {'prompt_tokens': 1, 'completion_tokens': 2, 'total_tokens': 3}})}\n\n"  # noqa: E501 - one event
        yield "data: [DONE]\n\n"


@contextlib.asynccontextmanager
async def serving(app, *, running=None):
    """The base URL of an application on a free loopback port."""
    listener = socket.create_server(("127.0.0.1", 0))
    running = running or uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    task = asyncio.get_running_loop().create_task(running.serve(sockets=[listener]))
    while not running.started:
        await asyncio.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    finally:
        running.should_exit = True
        await task


class World:
    """A gateway between a client and two model servers."""

    def __init__(self, url, teacher, student, store) -> None:
        self.url = url
        self.teacher = teacher
        self.student = student
        self.store = store
        self.sdk = openai.AsyncOpenAI(base_url=url, api_key="sk-of-the-client", max_retries=0)

    def ask(self, text, *, task="intent", **arguments):
        """The SDK's call."""
        return self.sdk.chat.completions.create(
            model=task, messages=[{"role": "user", "content": text}], **arguments
        )


@pytest.fixture
async def world(tmp_path):
    """Everything on free ports, with a store of its own."""
    teacher, student = ModelServer(), ModelServer()
    async with serving(teacher.app) as teacher_url, serving(student.app) as student_url:
        path = tmp_path / "preceptor.yaml"
        path.write_text(CONFIG.format(teacher=teacher_url, student=student_url, port=1))
        settings = config.load(path)
        app = build(settings)
        store = from_url(settings.store.url, tmp_path)
        async with serving(app, running=server.server(app)) as url:
            found = World(url, teacher, student, store)
            yield found
            await found.sdk.close()
        await store.aclose()


async def _exchanges(world, count, task="intent"):
    await world.store.start()
    while len(found := await world.store.exchanges(task)) < count:
        await asyncio.sleep(0.01)
    return [watched.exchange for watched in found]


async def test_the_sdk_gets_the_students_answer(world):
    """A completion, its unknown fields and our headers arrive; the exchange is in the store."""
    raw = await world.sdk.chat.completions.with_raw_response.create(
        model="intent", messages=[{"role": "user", "content": "please refund"}], extra_body={"vendor_in": 2**70}
    )
    completion = raw.parse()
    assert completion.choices[0].message.content == "refund"
    assert completion.model_extra["vendor"] == "x"
    assert raw.headers["x-preceptor-arm"] == "champion"
    assert float(raw.headers["x-preceptor-overhead-ms"]) < 1000
    assert world.student.requests[0]["vendor_in"] == 2**70
    assert "authorization" not in world.student.headers[0]
    (exchange,) = await _exchanges(world, 1)
    assert (exchange.id, exchange.output_text) == (raw.headers["x-preceptor-id"], "refund")
    assert (exchange.usable, exchange.usage.prompt_tokens) == (True, 100)


@pytest.mark.parametrize("task", ["intent", "open"])
async def test_the_sdk_streams(world, task):
    """Held or live, the chunks make the answer, with the usage chunk that was asked for."""
    stream = await world.ask("please refund", task=task, stream=True, stream_options={"include_usage": True})
    chunks = [chunk async for chunk in stream]
    assert "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices) == "refund"
    assert chunks[-1].choices == []
    assert chunks[-1].usage.total_tokens == 3


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("word", ["banana", "500", "429", "401"])
async def test_a_failed_student_is_replaced_unseen(world, word, stream):
    """A wrong answer or a failure of the student becomes the teacher's answer."""
    answer = await world.ask(f"say {word}", stream=stream)
    if stream:
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in answer])
    else:
        text = answer.choices[0].message.content
    assert text == "cancel"
    assert [request["model"] for request in world.teacher.requests] == ["big"]


async def test_a_promotion_changes_the_champion(world):
    """A deployment in the store is served within about a second, without a restart."""
    await world.store.start()
    await world.store.deploy(
        Deployment(task="intent", model="small-v2", reference_id="", at=1.0, by="me", reason="better")
    )
    while True:
        await world.ask("please refund")
        if world.student.requests[-1]["model"] == "small-v2":
            break
        await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("task", "text", "kind"),
    [
        ("nobody", "refund", openai.NotFoundError),
        ("intent", "say 400", openai.BadRequestError),
        ("intent", "say 422", openai.UnprocessableEntityError),
        ("intent", "say html", openai.InternalServerError),
        ("intent", "a" * 200_000, openai.APIStatusError),
    ],
)
async def test_the_sdk_raises_the_class_a_user_expects(world, task, text, kind):
    """Errors map to the SDK's own classes, with a code, streamed or not."""
    for stream in (False, True):
        with pytest.raises(kind) as caught:
            await world.ask(text, task=task, stream=stream)
        assert caught.value.code
        assert caught.value.request_id


async def test_retry_after_reaches_the_client(world):
    """What the last model said about trying again is passed on."""
    with pytest.raises(openai.InternalServerError) as caught:
        await world.ask("say html")
    assert caught.value.response.headers["retry-after"] == "7"


async def test_a_cut_stream_raises_in_the_sdk(world):
    """A stream that was begun and broke is an error to the user, not a short answer."""
    stream = await world.ask("say cut", task="open", stream=True)
    seen = []
    with pytest.raises(openai.APIError):
        async for chunk in stream:
            seen.append(chunk.choices[0].delta.content)  # noqa: PERF401 - what came before the error counts
    assert "".join(filter(None, seen)) == "cu"
    (exchange,) = await _exchanges(world, 1, "open")
    assert not exchange.usable


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_before_an_answer_stops_the_student(world, stream):
    """The student's server sees the connection close while it is still thinking."""
    call = asyncio.get_running_loop().create_task(world.ask("now hang", stream=stream))
    await asyncio.wait_for(world.student.asked.wait(), 5)
    call.cancel()
    await asyncio.wait_for(world.student.left.wait(), 5)
    assert not world.teacher.requests


async def test_a_client_that_leaves_mid_stream_stops_the_student(world):
    """After the first tokens too."""
    stream = await world.ask("now endless", task="open", stream=True)
    async for chunk in stream:
        if chunk.choices[0].delta.content:
            break
    await stream.close()
    await asyncio.wait_for(world.student.left.wait(), 5)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/chat/completions", b"", 400),
        ("POST", "/chat/completions", b"{", 400),
        ("POST", "/chat/completions", b"[]", 400),
        ("POST", "/chat/completions", b'{"model":"intent","messages":[{"role":"user","content":"\xff"}]}', 400),
        ("POST", "/chat/completions", b'{"model":"intent","messages":[],"temperature":NaN}', 400),
        ("POST", "/chat/completions", b"[" * 50_000, 400),
        ("POST", "/chat/completions", b"a" * 150_000, 413),
        ("POST", "/chat/completions", b"a" * 1_000_000, 413),
        ("GET", "/chat/completions", b"", 405),
        ("POST", "/completions", b"{}", 404),
        ("GET", "/models/nobody", b"", 404),
        ("POST", "/models", b"{}", 405),
    ],
)
async def test_raw_requests_get_openai_errors(world, method, path, body, status):
    """Whatever bytes come, the answer is a 4xx with OpenAI's error object, declared length or chunked."""

    async def pieces():
        for start in range(0, len(body), 10_000):
            yield body[start : start + 10_000]

    async with httpx.AsyncClient() as client:
        replies = [await client.request(method, world.url + path, content=content) for content in (body, pieces())]
    for reply in replies:
        assert reply.status_code == status
        assert set(reply.json()["error"]) == {"message", "type", "param", "code"}


async def test_models_are_the_tasks(world):
    """The SDK lists and retrieves them."""
    assert sorted([model.id async for model in await world.sdk.models.list()]) == ["intent", "open"]
    assert (await world.sdk.models.retrieve("intent")).owned_by == "preceptor"


async def test_many_clients_at_once(world):
    """Concurrent calls, streamed or not, each get their own answer, and all are journalled."""
    words = ["refund", "cancel"] * 50
    answers = await asyncio.gather(*(world.ask(f"say {word}") for word in words))
    assert [answer.choices[0].message.content for answer in answers] == words
    found = await _exchanges(world, 100)
    assert len({exchange.id for exchange in found}) == 100


def _start(path, *arguments, **options):
    command = [sys.executable, "-m", "gateway", "--config", str(path), *arguments]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, **options)


@pytest.mark.slow
async def test_a_worker_process_drains_at_sigterm(tmp_path):
    """On an inherited socket; at SIGTERM the running request is answered and its exchange is in the store."""
    student = ModelServer()
    gate = asyncio.Event()
    plain = student.chat

    async def slow(request):
        reply = await plain(request)
        await gate.wait()
        return reply

    student.app = Starlette(routes=[Route("/v1/chat/completions", slow, methods=["POST"])])
    async with serving(student.app) as url:
        path = tmp_path / "preceptor.yaml"
        path.write_text(CONFIG.format(teacher=url, student=url, port=1))
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port, fd = listener.getsockname()[1], listener.fileno()
            process = await asyncio.to_thread(_start, path, "--fd", str(fd), pass_fds=[fd])
        async with openai.AsyncOpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="x", max_retries=0) as sdk:
            call = asyncio.get_running_loop().create_task(
                sdk.chat.completions.create(model="intent", messages=[{"role": "user", "content": "say refund"}])
            )
            await asyncio.wait_for(student.asked.wait(), 20)
            process.send_signal(signal.SIGTERM)
            gate.set()
            assert (await call).choices[0].message.content == "refund"
        _, error = await asyncio.to_thread(process.communicate, timeout=20)
        assert "Traceback" not in error
    store = from_url("sqlite:///preceptor.db", tmp_path)
    await store.start()
    assert [watched.exchange.output_text for watched in await store.exchanges("intent")] == ["refund"]
    await store.aclose()


BUDGET = """
import json, sys
from pathlib import Path
from domain import config
from gateway import __main__
from gateway.app import build
build(config.load(Path(sys.argv[1])))
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
heavy = {"openai", "numpy", "torch", "rich", "typer", "pandas", "httpx", "scipy", "sklearn", "evidently"}
print(json.dumps({
    "modules": len(sys.modules),
    "mib": int(status["VmRSS"].split()[0]) / 1024,
    "heavy": sorted(heavy & set(sys.modules)),
    "checks": sorted({"re2", "jsonschema_rs", "phonenumbers"} & set(sys.modules)),
}))
"""


@pytest.mark.slow
def test_the_import_budget(tmp_path):
    """A gateway with all checks loaded has at most 700 modules and 70 MiB, and nothing heavy."""
    (tmp_path / "schema.json").write_text('{"type": "object"}')
    path = tmp_path / "preceptor.yaml"
    text = CONFIG.format(teacher="http://127.0.0.1:9/v1", student="http://127.0.0.1:9/v1", port=1)
    text = text.replace("{text: {}}", "{json_schema: schema.json}").replace(
        "{input: [], output: []}", "{output: [json_schema, length, secrets, pii]}"
    )
    path.write_text(text)
    done = subprocess.run(
        [sys.executable, "-c", BUDGET, str(path)], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["heavy"] == []
    assert found["checks"] == ["jsonschema_rs", "phonenumbers", "re2"]
    assert found["modules"] <= 700, found
    assert found["mib"] <= 70, found
