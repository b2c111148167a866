from __future__ import annotations

import asyncio
import threading

import httpx
import numpy as np
import openai
import pytest

from distill.serving.routes import StudentServer
from distill.serving.shelf import Shelf
from distill.student import HEAD, StudentHead, save
from domain.clock import ManualClock
from domain.records import Manifest

CLOCK = ManualClock()


class Gated:
    """An embedder that answers when it is let."""

    name = "gated"

    def __init__(self, inner):
        self._inner = inner
        self.sha256 = inner.sha256
        self.open = threading.Event()
        self.open.set()
        self.closed = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.broken = False

    def embed(self, texts):
        if not self.open.is_set():
            self._loop.call_soon_threadsafe(self.closed.set)
        assert self.open.wait(10)
        if self.broken:
            raise RuntimeError("secret detail")
        return self._inner.embed(texts)


def _put(root, model, embedder):
    """A student that says `yes` to texts with the word yes, else `no`."""
    yes, no = embedder.embed(["yes", "no"])
    return save(
        root,
        Manifest(
            model=model,
            task="t",
            trainer="head",
            model_sha256="",
            prompt_sha256="p",
            output_sha256="o",
            dataset_sha256="d",
            embedder="words",
            embedder_sha256=embedder.sha256,
            labels=("no", "yes"),
            teacher="gold",
            examples=9,
            created_at=12.0,
        ),
        StudentHead(np.vstack([no, yes]).astype(np.float64) * 4, np.zeros(2), ("no", "yes")),
    )


@pytest.fixture
def root(tmp_path):
    """Where the students lie."""
    return tmp_path / "students"


@pytest.fixture
async def gated(embedder):
    """An embedder that can be stopped."""
    return Gated(embedder)


@pytest.fixture
async def server(root, gated):
    """A server that is not loaded yet."""
    made = StudentServer(
        Shelf(root, lambda name: gated), preload=["words"], clock=CLOCK, max_body_bytes=5000, max_waiting=3
    )
    yield made
    gated.open.set()
    made.close()


@pytest.fixture
async def base_url(server, serve_app):
    """Where the loaded server listens."""
    await server.load()
    async for port in serve_app(server.app()):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
async def sdk(base_url):
    """The real client, without retries."""
    async with openai.AsyncOpenAI(base_url=f"{base_url}/v1", api_key="none", max_retries=0) as client:
        yield client


@pytest.fixture
async def http(base_url):
    """A plain client for what the SDK cannot send."""
    async with httpx.AsyncClient(base_url=base_url) as client:
        yield client


def _chat(text):
    return [{"role": "user", "content": text}]


async def test_the_sdk_gets_the_label(sdk, root, gated):
    """The real client must read answer, usage and model as from any OpenAI server."""
    sealed = _put(root, "v1", gated)
    found = await sdk.chat.completions.create(model="v1", messages=_chat("yes yes"))
    assert found.choices[0].message.content == "yes"
    assert (found.model, found.created) == ("v1", int(CLOCK.now_s()))
    assert found.system_fingerprint == f"fp_{sealed.model_sha256[:10]}"
    assert found.usage is not None
    assert found.usage.total_tokens == 3


async def test_logprobs_are_the_students_probabilities(sdk, root, gated):
    """The exponentials over all labels must sum to 1, whole and streamed alike."""
    _put(root, "v1", gated)
    whole = await sdk.chat.completions.create(model="v1", messages=_chat("yes"), logprobs=True, top_logprobs=5)
    (token,) = whole.choices[0].logprobs.content
    assert sum(np.exp(top.logprob) for top in token.top_logprobs) == pytest.approx(1.0)
    assert (token.token, token.logprob) == (token.top_logprobs[0].token, token.top_logprobs[0].logprob)
    stream = await sdk.chat.completions.create(
        model="v1",
        messages=_chat("yes"),
        logprobs=True,
        top_logprobs=5,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [chunk async for chunk in stream]
    streamed = [choice.logprobs.content for chunk in chunks for choice in chunk.choices if choice.logprobs]
    assert streamed == [[token]]
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].usage == whole.usage


async def test_the_sdk_gets_a_response(sdk, root, gated):
    """Whole, streamed and through the stream helper, `/v1/responses` must give the label and its probabilities."""
    _put(root, "v1", gated)
    asked = {"model": "v1", "input": "yes yes", "include": ["message.output_text.logprobs"], "top_logprobs": 2}
    whole = await sdk.responses.create(**asked)
    assert (whole.output_text, whole.status, whole.usage.total_tokens) == ("yes", "completed", 3)
    (token,) = whole.output[0].content[0].logprobs
    assert sum(np.exp(top.logprob) for top in token.top_logprobs) == pytest.approx(1.0)
    events = [event async for event in await sdk.responses.create(stream=True, **asked)]
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == "yes"
    async with sdk.responses.stream(**asked) as stream:
        final = await stream.get_final_response()
    assert (final.output_text, final.usage) == (whole.output_text, whole.usage)


async def test_models_are_what_lies_in_the_folder(sdk, root, gated):
    """A student that was just trained must be listed and served without a restart."""
    assert [model.id async for model in sdk.models.list()] == []
    with pytest.raises(openai.NotFoundError, match="'v1' does not exist"):
        await sdk.chat.completions.create(model="v1", messages=_chat("yes"))
    _put(root, "v1", gated)
    assert [model.id async for model in sdk.models.list()] == ["v1"]
    assert (await sdk.models.retrieve("v1")).created == 12
    with pytest.raises(openai.NotFoundError):
        await sdk.models.retrieve("../v1")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "part"),
    [
        ("POST", "/v1/chat/completions", b"{", 400, "could not parse"),
        ("POST", "/v1/chat/completions", b'{"model":"v1","messages":[]}', 400, "user message"),
        ("POST", "/v1/responses", b'{"model":"v1","input":" "}', 400, "user message"),
        ("POST", "/v1/responses", b'{"model":"v1","input":"a","background":true}', 400, "background"),
        ("POST", "/v1/chat/completions", b" " * 6000, 413, "larger than 5000"),
        ("GET", "/v1/chat/completions", None, 405, "Method Not Allowed"),
        ("GET", "/v2", None, 404, "Not Found"),
    ],
)
async def test_errors_have_openai_shape(http, method, path, body, status, part):
    """Whatever was wrong, the client must be able to read why."""
    found = await http.request(method, path, content=body)
    assert found.status_code == status
    assert part in found.json()["error"]["message"]


async def test_a_damaged_student_is_an_error_and_others_serve(sdk, root, gated):
    """One bad folder must not take the server down."""
    _put(root, "v1", gated)
    _put(root, "v2", gated)
    (root / "v1" / HEAD).write_bytes(b"x")
    with pytest.raises(openai.InternalServerError, match="manifest says") as caught:
        await sdk.chat.completions.create(model="v1", messages=_chat("yes"))
    assert caught.value.code == "model_unusable"
    assert (await sdk.chat.completions.create(model="v2", messages=_chat("yes"))).choices[0].message.content == "yes"


async def test_a_failing_embedder_shows_no_traceback(http, root, gated):
    """The client gets one sentence, and nothing of what the exception said."""
    _put(root, "v1", gated)
    gated.broken = True
    found = await http.post("/v1/chat/completions", json={"model": "v1", "messages": _chat("yes")})
    assert found.status_code == 500
    assert found.json()["error"]["type"] == "server_error"
    assert "secret" not in found.text


async def test_a_full_queue_asks_to_come_back(http, root, gated):
    """Above the bound the answer is 503 with Retry-After at once; who waits is answered."""
    _put(root, "v1", gated)
    body = {"model": "v1", "messages": _chat("yes")}
    await http.post("/v1/chat/completions", json=body)
    gated.open.clear()
    first = asyncio.Task(http.post("/v1/chat/completions", json=body))
    await gated.closed.wait()
    others = [asyncio.Task(http.post("/v1/chat/completions", json=body)) for _ in range(4)]
    refused, _ = await asyncio.wait(others, return_when=asyncio.FIRST_COMPLETED)
    (busy,) = (task.result() for task in refused)
    assert (busy.status_code, busy.headers["retry-after"]) == (503, "1")
    assert busy.json()["error"]["code"] == "overloaded"
    gated.open.set()
    rest = await asyncio.gather(first, *others)
    assert sorted(reply.status_code for reply in rest) == [200] * 4 + [503]


async def test_until_the_embedder_is_loaded_nothing_is_answered(server, serve_app):
    """A probe must see that the process lives but is not ready, and a client when to come back."""
    async for port in serve_app(server.app()):
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            assert (await http.get("/healthz")).status_code == 200
            for path in ("/readyz", "/v1/models", "/v1/models/v1"):
                found = await http.get(path)
                assert (found.status_code, found.headers["retry-after"]) == (503, "2")
                assert found.json()["error"]["code"] == "loading"
            assert (await http.post("/v1/chat/completions", content=b"{}")).status_code == 503
            await server.load()
            assert (await http.get("/readyz")).json() == {"status": "ready"}
