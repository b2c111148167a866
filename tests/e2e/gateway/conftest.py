"""A gateway between the openai SDK and two model servers, all on real sockets, with the embedded store."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket

import openai
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from adapters.stores.sqlite import from_url
from domain import config
from gateway import server
from gateway.app import build

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
        self.url = ""
        self.reply = None  # a function of the request and its body that answers in place of the words
        paths = ("/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/embeddings")
        self.app = Starlette(routes=[Route(path, self.chat, methods=["POST"]) for path in paths])

    async def chat(self, request):
        body = json.loads(await request.body())
        self.requests.append(body)
        self.headers.append(dict(request.headers))
        self.asked.set()
        if self.reply is not None:
            return await self.reply(request, body)
        word = body["messages"][-1]["content"].split()[-1]
        if word == "hang":
            return await self._hang(request)
        if word.isdigit() and body["model"] != "big":
            return JSONResponse({"error": {"message": "m", "type": "t", "param": None, "code": "c"}}, int(word))
        if word == "html":
            return Response("<html>busy</html>", 503, headers={"retry-after": "7"})
        if word.isdigit() or (body["model"] == "big" and word in {"banana", "html"}):
            word = "cancel"
        if body.get("stream"):
            return StreamingResponse(self._events(word, body), media_type="text/event-stream")
        return JSONResponse(self._whole(word))

    async def _hang(self, request):
        while (await request.receive())["type"] != "http.disconnect":
            pass
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
            usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
            yield f"data: {json.dumps({**head, 'choices': [], 'usage': usage})}\n\n"
        yield "data: [DONE]\n\n"


async def until(condition):
    """Wait for something that another process or task does."""
    async with asyncio.timeout(20):
        while True:
            if condition():
                return
            await asyncio.sleep(0.005)


def _plain(app):
    return uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))


@contextlib.asynccontextmanager
async def serving(running):
    """The base URL of a server on a free loopback port."""
    listener = socket.create_server(("127.0.0.1", 0))
    task = asyncio.get_running_loop().create_task(running.serve(sockets=[listener]))
    await until(lambda: running.started)
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
        return self.sdk.chat.completions.create(model=task, messages=[{"role": "user", "content": text}], **arguments)

    async def exchanges(self, count, task="intent"):
        """What is in the store, once it is that many."""
        await self.store.start()
        async with asyncio.timeout(20):
            while True:
                found = await self.store.exchanges(task)
                if len(found) >= count:
                    return [watched.exchange for watched in found]
                await asyncio.sleep(0.01)


@pytest.fixture
async def world(request, tmp_path):
    """Everything on free ports, with a store of its own; the parameter is the patience with a silent upstream."""
    teacher, student = ModelServer(), ModelServer()
    behind = [_plain(teacher.app), _plain(student.app)]
    async with serving(behind[0]) as teacher_url, serving(behind[1]) as student_url:
        path = tmp_path / "preceptor.yaml"
        text = CONFIG.replace(" timeout_s: 5", f" timeout_s: {getattr(request, 'param', 5)}")
        path.write_text(text.format(teacher=teacher_url, student=student_url, port=1))
        settings = config.load(path)
        store = from_url(settings.store.url, tmp_path)
        async with serving(server.server(build(settings, load=lambda: settings, since=0.0))) as url:
            teacher.url, student.url = teacher_url, student_url
            found = World(url, teacher, student, store)
            yield found
            await found.sdk.close()
            for running in behind:  # all end together: one after the other takes three times as long
                running.should_exit = True
        await store.aclose()


class Kit:
    """What a test needs to start its own."""

    CONFIG = CONFIG
    ModelServer = ModelServer
    serving_gateway = staticmethod(serving)
    serving = staticmethod(lambda app: serving(_plain(app)))


@pytest.fixture
def kit():
    """The tools of these tests: importlib mode has no module to import them from."""
    return Kit
