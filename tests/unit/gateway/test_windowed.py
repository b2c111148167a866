from __future__ import annotations

import asyncio
import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import UpstreamError, UpstreamFailure
from domain.records import Arm, Verdict
from domain.settings import CheckSettings

WORDS = "some quite harmless words about nothing at all, "
KEY = "gh" + "p_" + "a1B2c3D4e5" * 4
EMAIL = "jane.doe@gmail.com"
BLOCKS = ("length", "secrets")
REDACTS = ("length", "secrets", {"name": "pii", "verdict": Verdict.REDACT})


def checks(kit, *listed):
    """Checks of an answer."""
    return kit.checks(output=[CheckSettings(**each) if isinstance(each, dict) else each for each in listed])


def pieces(text, size=7):
    """A text as a model streams it."""
    return [text[start : start + size] for start in range(0, len(text), size)]


async def test_an_answer_leaves_while_the_model_still_writes_it(kit):
    """What lies before the window is with the client before the model has ended."""
    hold = asyncio.Event()
    written = msgspec.structs.replace(kit.stream(pieces(WORDS * 40), done=False), hold=hold)
    async with kit.Gateway(student=[written], policies=checks(kit, *REDACTS), text=True) as gateway:
        asking = asyncio.get_running_loop().create_task(gateway.chat(stream=True))
        seen = gateway.store  # nothing is journalled before the end
        await kit.until(lambda: gateway.student.requests)
        for _ in range(50):
            await asyncio.sleep(0)
        assert not seen.appended
        assert not asking.done()
        hold.set()
        reply = await asking
    sent = [piece for piece in reply.pieces if b"harmless" in piece or b"words" in piece]
    assert len(sent) > 5  # in many pieces, not in one
    assert len(reply.streamed) > len(WORDS) * 30


async def test_a_clean_stream_is_what_the_model_wrote_to_the_byte(kit):
    """Every event, in order, and the sentinel."""
    written = kit.stream(pieces(WORDS * 20), usage=True)
    async with kit.Gateway(student=[written], policies=checks(kit, *REDACTS), text=True) as gateway:
        reply = await gateway.chat(stream=True, stream_options={"include_usage": True})
        (exchange,) = await gateway.journalled()
    assert reply.body == b"".join(written.chunks)
    assert (exchange.output_text, exchange.usable, exchange.arm) == (WORDS * 20, True, Arm.CHAMPION)
    assert exchange.usage.completion_tokens == 10


async def test_personal_data_in_the_middle_is_cut_out_while_the_rest_flows(kit):
    """Wherever the pieces begin, the client sees the mark and none of the address."""
    text = WORDS * 10 + f"write to {EMAIL} soon, " + WORDS * 20
    for size in (1, 3, 11, 400):
        written = kit.stream(pieces(text, size))
        async with kit.Gateway(student=[written], policies=checks(kit, *REDACTS), text=True) as gateway:
            reply = await gateway.chat(stream=True)
            (exchange,) = await gateway.journalled()
        assert reply.streamed == text.replace(EMAIL, "[email]")
        assert exchange.output_text == reply.streamed
        assert [(each.check, each.verdict, each.arm) for each in exchange.decisions] == [
            ("pii", Verdict.REDACT, Arm.CHAMPION)
        ]


async def test_a_blocked_stream_ends_as_a_content_filter_and_stops_the_model(kit):
    """The secret does not leave, not even in part; the model is told to stop, and the record says what was sent."""
    text = WORDS * 20 + f"the key is {KEY} and " + WORDS * 40
    written = msgspec.structs.replace(kit.stream(pieces(text), done=False), hold=asyncio.Event())
    async with kit.Gateway(student=[written], policies=checks(kit, *BLOCKS), text=True) as gateway:
        reply = await gateway.chat(stream=True, stream_options={"include_usage": True})
        (exchange,) = await gateway.journalled()
    assert (WORDS * 20 + "the key is ").startswith(reply.streamed)
    assert len(reply.streamed) > len(WORDS) * 10
    last = json.loads(reply.events[-2])
    assert (reply.events[-1], last["choices"][0]["finish_reason"], last["id"]) == ("[DONE]", "content_filter", "up-1")
    assert gateway.student.cancelled == 1
    assert (exchange.output_text, exchange.usable) == (reply.streamed, False)
    assert (exchange.finish_reason, exchange.decisions[0].reason) == ("content_filter", "github_token")


async def test_a_short_answer_that_is_bad_falls_back_or_is_withheld_whole(kit):
    """As long as nothing has left, a stream is judged as a whole answer is."""
    async with kit.Gateway(student=[kit.stream([f"it is {KEY}"])], policies=checks(kit, *BLOCKS), text=True) as gateway:
        reply = await gateway.chat(stream=True)
    assert reply.streamed == ""
    assert (reply.headers["x-preceptor-verdict"], reply.headers["x-preceptor-reason"]) == (
        "block",
        "secrets:github_token",
    )


async def test_a_stream_that_breaks_in_its_window_goes_to_the_teacher(kit):
    """Nothing had left, so the client never hears of the student."""
    broken = kit.stream(
        pieces(WORDS), done=False, error=UpstreamError(UpstreamFailure.DISCONNECT, "the connection was cut")
    )
    scripts = {"student": [broken], "teacher": [kit.stream(["fine"])]}
    async with kit.Gateway(**scripts, policies=checks(kit, *BLOCKS), text=True) as gateway:
        reply = await gateway.chat(stream=True)
    assert (reply.streamed, reply.headers["x-preceptor-arm"]) == ("fine", "teacher")


async def test_a_stream_that_breaks_later_is_told_as_broken(kit):
    """An error event, no sentinel, and nothing of what had not been judged."""
    text = WORDS * 20 + f"the key is {KEY[:20]}"
    broken = kit.stream(
        pieces(text), done=False, error=UpstreamError(UpstreamFailure.DISCONNECT, "the connection was cut")
    )
    async with kit.Gateway(student=[broken], policies=checks(kit, *BLOCKS), text=True) as gateway:
        reply = await gateway.chat(stream=True)
        (exchange,) = await gateway.journalled()
    assert "error" in json.loads(reply.events[-1])
    assert KEY[:6] not in reply.streamed
    assert not exchange.usable


async def test_several_choices_are_each_behind_their_window(kit):
    """A secret in one choice does not leave because another choice is long."""
    chunks = []
    texts = [WORDS * 20, WORDS * 10 + f"it is {KEY}, " + WORDS * 10]
    for position in range(0, max(map(len, texts)), 9):
        for index, text in enumerate(texts):
            if piece := text[position : position + 9]:
                choice = {"index": index, "delta": {"content": piece}, "finish_reason": None}
                chunks.append({"id": "up-1", "created": 1, "model": "m", "choices": [choice]})
    ends = [{"index": index, "delta": {}, "finish_reason": "stop"} for index in (0, 1)]
    chunks += [{"id": "up-1", "choices": [end]} for end in ends]
    script = kit.stream()
    sent = [f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks]
    written = msgspec.structs.replace(script, chunks=(*sent, b"data: [DONE]\n\n"))
    async with kit.Gateway(student=[written], policies=checks(kit, *BLOCKS), text=True) as gateway:
        reply = await gateway.chat(stream=True, n=2)
    assert KEY[:6] not in reply.streamed
    ends = [json.loads(event)["choices"][0] for event in reply.events[-3:-1]]
    assert [(each["index"], each["finish_reason"]) for each in ends] == [(0, "content_filter"), (1, "content_filter")]


async def test_shadow_checks_alone_keep_nothing_back(kit):
    """Each event goes out as it comes, and what the check would have done is in the record."""
    shadow = {"name": "secrets", "mode": "shadow"}
    text = f"it is {KEY}, " + WORDS
    written = kit.stream(pieces(text))
    async with kit.Gateway(student=[written], policies=checks(kit, shadow), text=True) as gateway:
        reply = await gateway.chat(stream=True)
        (exchange,) = await gateway.journalled()
    assert reply.body == b"".join(written.chunks)
    assert [(each.verdict, each.shadow) for each in exchange.decisions] == [(Verdict.BLOCK, True)]
    assert exchange.usable


TEXTS = st.lists(
    st.sampled_from(
        [EMAIL, f" {KEY}", KEY[:9], "jane.doe@", "gmail.com", WORDS, " ", ", ", "x", "4111 1111 1111 1111"]
    ),
    max_size=14,
).map("".join)


@pytest.mark.parametrize("listed", [REDACTS, BLOCKS, ({"name": "secrets", "verdict": Verdict.REDACT}, "length")])
def test_a_stream_and_a_whole_answer_end_the_same(kit, listed):
    """The same verdict; the same text when it is let through; a beginning of it, without the find, when it is not."""

    async def ask(text, stream, sizes):
        script = kit.stream(_cut(text, sizes)) if stream else kit.answer(text)
        async with kit.Gateway(student=[script], policies=checks(kit, *listed), text=True) as gateway:
            reply = await gateway.chat(stream=stream)
            (exchange,) = await gateway.journalled()
        return reply, exchange

    @settings(max_examples=60, deadline=None)
    @given(text=TEXTS.filter(str.strip), sizes=st.lists(st.integers(1, 40), min_size=1, max_size=5))
    def same(text, sizes):
        whole, record = asyncio.run(ask(text, False, sizes))
        streamed, other = asyncio.run(ask(text, True, sizes))
        assert [each.verdict for each in other.decisions] == [each.verdict for each in record.decisions]
        if record.usable or record.decisions[-1].verdict is Verdict.REDACT:
            assert streamed.streamed == (whole.content or "")
        else:
            assert f" {KEY[:14]}" not in streamed.streamed
            assert whole.content is None

    same()


def _cut(text, sizes):
    found, start, turn = [], 0, 0
    while start < len(text):
        found.append(text[start : start + sizes[turn % len(sizes)]])
        start, turn = start + sizes[turn % len(sizes)], turn + 1
    return found
