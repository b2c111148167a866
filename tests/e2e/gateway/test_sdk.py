"""The real openai SDK against the gateway: what a user sees."""

from __future__ import annotations

import asyncio

import openai
import pytest

from domain.records import Deployment

pytestmark = pytest.mark.slow  # a gateway on a socket, and real clients


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
    (exchange,) = await world.exchanges(1)
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
    async with asyncio.timeout(10):  # the registry is read every second; the rest is for a busy machine
        while not world.student.requests or world.student.requests[-1]["model"] != "small-v2":
            await world.ask("please refund")
            await asyncio.sleep(0.05)
    assert world.student.requests[-1]["model"] == "small-v2"


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


async def test_retry_after_reaches_the_client(world):
    """What the last model said about trying again is passed on."""
    with pytest.raises(openai.InternalServerError) as caught:
        await world.ask("say html")
    assert caught.value.response.headers["retry-after"] == "7"
    assert caught.value.request_id == caught.value.response.headers["x-preceptor-id"]


async def test_a_cut_stream_raises_in_the_sdk(world):
    """A stream that was begun and broke is an error to the user, not a short answer."""
    stream = await world.ask("say cut", task="open", stream=True)
    chunks = aiter(stream)
    seen = [(await anext(chunks)).choices[0].delta.content for _ in range(3)]
    assert seen == ["", "c", "u"]
    with pytest.raises(openai.APIError):
        await anext(chunks)
    (exchange,) = await world.exchanges(1, "open")
    assert not exchange.usable


async def test_models_are_the_tasks(world):
    """The SDK lists and retrieves them."""
    assert sorted([model.id async for model in await world.sdk.models.list()]) == ["intent", "open"]
    assert (await world.sdk.models.retrieve("intent")).owned_by == "preceptor"


async def test_many_clients_at_once(world):
    """Concurrent calls, streamed or not, each get their own answer, and all are journalled."""
    words = ["refund", "cancel"] * 50
    answers = await asyncio.gather(*(world.ask(f"say {word}") for word in words))
    assert [answer.choices[0].message.content for answer in answers] == words
    found = await world.exchanges(100)
    assert len({exchange.id for exchange in found}) == 100
