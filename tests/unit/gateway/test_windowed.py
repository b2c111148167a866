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
    return kit.checks(output=listed_checks(listed))


def pieces(text, size=7):
    """A text as a model streams it."""
    return [text[start : start + size] for start in range(0, len(text), size)]


def two(kit, texts, *, size=9, ends=True, every=False):
    """A stream of two choices in turns, each of which says that it has ended as soon as it has, or with every piece."""
    sent = []
    for start in range(0, max(map(len, texts)), size):
        for index, text in enumerate(texts):
            if piece := text[start : start + size]:
                over = start + size >= len(text)
                reason = "stop" if every or (ends and over) else None
                choice = {"index": index, "delta": {"content": piece}, "finish_reason": reason}
                sent.append(f"data: {json.dumps({'id': 'up-1', 'choices': [choice]})}\n\n".encode())
    return msgspec.structs.replace(kit.stream(), chunks=(*sent, b"data: [DONE]\n\n"))


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
    written = two(kit, [WORDS * 20, WORDS * 10 + f"it is {KEY}, " + WORDS * 10])
    async with kit.Gateway(student=[written], policies=checks(kit, *BLOCKS), text=True) as gateway:
        reply = await gateway.chat(stream=True, n=2)
    assert KEY[:6] not in reply.streamed
    ends = [json.loads(event)["choices"][0] for event in reply.events[-3:-1]]
    assert [(each["index"], each["finish_reason"]) for each in ends] == [(0, "content_filter"), (1, "content_filter")]


async def test_a_choice_that_has_ended_keeps_no_other_back(kit):
    """Its last words leave at once, and so do all the events that stand behind them."""
    for ends in (True, False):
        written = two(kit, ["refund", WORDS * 30], ends=ends)
        async with kit.Gateway(student=[written], policies=checks(kit, *REDACTS), text=True) as gateway:
            reply = await gateway.chat(stream=True, n=2)
        assert reply.body == b"".join(written.chunks)
        leaving = [piece for piece in reply.pieces if b"choices" in piece]
        assert (len(leaving) > 10) is ends  # else they come together at the end


async def test_a_server_that_calls_every_piece_the_last_is_not_believed(kit):
    """A choice that goes on after its end waits behind its window like any other."""
    texts = [f"it is {KEY} and " + WORDS * 20, WORDS * 20]
    for size in (3, 9, 20):
        written = two(kit, texts, size=size, every=True)
        async with kit.Gateway(student=[written], policies=checks(kit, *BLOCKS), text=True) as gateway:
            reply = await gateway.chat(stream=True, n=2)
        assert KEY[:6] not in reply.streamed
        assert "harmless" not in reply.streamed


@pytest.mark.parametrize("before", ["", WORDS * 10])
async def test_what_blocks_before_anything_left_is_withheld_whole(kit, before):
    """Though a part of it could have left: the client learns of the verdict from the headers, and the model stops."""
    written = kit.stream([f"{before}it is {KEY} and " + WORDS * 10, WORDS], done=False)
    written = msgspec.structs.replace(written, hold=asyncio.Event())
    async with kit.Gateway(student=[written], policies=checks(kit, *BLOCKS), text=True) as gateway:
        reply = await gateway.chat(stream=True)
    assert (reply.streamed, reply.headers["x-preceptor-verdict"]) == ("", "block")
    assert gateway.student.cancelled == 1


async def test_an_answer_that_comes_at_once_is_judged_at_once(kit):
    """Whole, before any of it has left, however long it is: the headers tell the verdict."""
    written = kit.stream(pieces(WORDS * 20 + f"write to {EMAIL} soon"))
    written = msgspec.structs.replace(written, chunks=(b"".join(written.chunks),))
    async with kit.Gateway(student=[written], policies=checks(kit, *REDACTS), text=True) as gateway:
        reply = await gateway.chat(stream=True)
    assert (reply.streamed, reply.headers["x-preceptor-verdict"]) == (WORDS * 20 + "write to [email] soon", "redact")


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
MESSAGE = {"messages": [{"role": "user", "content": "where is my money"}]}
three = pytest.mark.parametrize(
    "listed", [REDACTS, BLOCKS, ({"name": "secrets", "verdict": Verdict.REDACT}, "length")], ids=["cut", "stop", "both"]
)


def listed_checks(listed):
    """Checks as settings."""
    return [CheckSettings(**each) if isinstance(each, dict) else each for each in listed]


@three
def test_a_stream_and_a_whole_answer_end_the_same(kit, listed):
    """The same verdict; the same text when it is let through; a beginning of it, without the find, when it is not."""
    with kit.asking(*listed_checks(listed)) as ask:

        @settings(max_examples=150, deadline=None)
        @given(text=TEXTS.filter(str.strip), sizes=st.lists(st.integers(1, 40), min_size=1, max_size=5))
        def same(text, sizes):
            whole, record = ask(kit.answer(text), MESSAGE)
            streamed, other = ask(kit.stream(_cut(text, sizes)), MESSAGE | {"stream": True})
            assert [each.verdict for each in other.decisions] == [each.verdict for each in record.decisions]
            if record.usable or record.decisions[-1].verdict is Verdict.REDACT:
                assert streamed.streamed == (whole.content or "")
            else:
                assert f" {KEY[:14]}" not in streamed.streamed
                assert whole.content is None

        same()


PLACES = ("content", "reasoning_content", "tool_calls.0", "tool_calls.1")


@three
def test_several_texts_end_as_they_do_whole(kit, listed):
    """Two choices, each with its reasoning and its calls of tools, whichever of them ends first."""
    choice = st.dictionaries(st.sampled_from(PLACES), TEXTS.filter(str.strip), min_size=1)
    lanes = st.tuples(st.integers(0, 1), st.sampled_from(PLACES), st.integers(1, 60))
    with kit.asking(*listed_checks(listed)) as ask:

        @settings(max_examples=150, deadline=None)
        @given(choices=st.tuples(choice, choice), turns=st.lists(lanes, max_size=40))
        def same(choices, turns):
            body = {"choices": [{"index": n, "message": _message(texts)} for n, texts in enumerate(choices)]}
            script = msgspec.structs.replace(kit.answer(), chunks=(json.dumps(body).encode(),))
            whole, record = ask(script, MESSAGE | {"n": 2})
            sent = [f"data: {json.dumps(chunk)}\n\n".encode() for chunk in _chunks(choices, turns)]
            script = msgspec.structs.replace(kit.stream(), chunks=(*sent, b"data: [DONE]\n\n"))
            streamed, other = ask(script, MESSAGE | {"n": 2, "stream": True})
            found = _put_together(streamed.events)
            assert [each.verdict for each in other.decisions] == [each.verdict for each in record.decisions]
            if record.finish_reason != "content_filter":
                assert found == [_texts(choice["message"]) for choice in whole.json["choices"]]
            else:
                assert not any(f" {KEY[:14]}" in text for texts in found for text in texts.values())
                assert not any(_texts(choice["message"]) for choice in whole.json["choices"])

        same()


def _chunks(choices, turns):
    """The texts in pieces, in turns; a choice says that it has ended as soon as it has."""
    left = [dict(texts) for texts in choices]
    rest = [(index, place, 10_000) for index in (1, 0) for place in PLACES]
    for index, place, size in [*turns, *rest]:
        if text := left[index].pop(place, ""):
            yield {"choices": [{"index": index, "delta": _message({place: text[:size]}, indexed=True)}]}
            if text[size:]:
                left[index][place] = text[size:]
            if not left[index]:
                yield {"choices": [{"index": index, "delta": {}, "finish_reason": "stop"}]}


def _message(texts, *, indexed=False):
    """A message, or a delta if the calls in it have an index."""
    message = {place: text for place, text in texts.items() if "." not in place}
    numbers = [number for number in (0, 1) if not indexed or f"tool_calls.{number}" in texts]
    calls = [{"index": n, "function": {"arguments": texts.get(f"tool_calls.{n}", "")}} for n in numbers]
    return message | ({"tool_calls": calls} if calls else {})


def _texts(message):
    found = {place: text for place, text in message.items() if place in PLACES and text}
    for call in message.get("tool_calls", ()):
        found[f"tool_calls.{call['index']}"] = call["function"]["arguments"]
    return {place: text for place, text in found.items() if text}


def _put_together(events):
    found = [{}, {}]
    for event in map(json.loads, events[:-1]):
        for choice in event["choices"]:
            for place, text in _texts(choice["delta"]).items():
                known = found[choice["index"]]
                known[place] = known.get(place, "") + text
    return found


def _cut(text, sizes):
    found, start, turn = [], 0, 0
    while start < len(text):
        found.append(text[start : start + sizes[turn % len(sizes)]])
        start, turn = start + sizes[turn % len(sizes)], turn + 1
    return found


class Failing:
    """A check that cannot look at a text of a certain length, or at any."""

    name, triggers, window = "failing", (), 4

    def __init__(self, lengths=()):
        self._lengths = lengths

    def inspect(self, subject):
        if not self._lengths or len(subject.texts[0]) in self._lengths:
            raise RuntimeError


def failing(**args):
    """What a policy names as its object."""
    return Failing(**args)


def own(on_error, **args):
    """The check above, as a policy has it."""
    options = {"object": f"{__name__}:failing", "args": args}
    return {"name": "python", "on_error": on_error, "run": "inline", "options": options}


async def test_a_failed_check_that_is_allowed_stops_nothing(kit):
    """It leaves its flag in the record, and the stream is whole."""
    written = kit.stream(pieces(WORDS * 20))
    async with kit.Gateway(student=[written], policies=checks(kit, own(Verdict.ALLOW)), text=True) as gateway:
        reply = await gateway.chat(stream=True)
        (exchange,) = await gateway.journalled()
    assert reply.streamed == WORDS * 20
    assert [(each.verdict, each.failed) for each in exchange.decisions] == [(Verdict.FLAG, True)]


@pytest.mark.parametrize("on_error", [Verdict.BLOCK, Verdict.FALLBACK])
async def test_a_check_that_cannot_look_in_the_middle_is_told_as_unavailable(kit, on_error):
    """What had left is followed by an error, whatever the check says of the end: a part must not pass for the whole."""
    text = WORDS * 20
    blind = own(on_error, lengths=list(range(len(text) // 2, len(text) - 20)))
    written = kit.stream(pieces(text))
    async with kit.Gateway(student=[written], policies=checks(kit, blind), text=True) as gateway:
        reply = await gateway.chat(stream=True)
        (exchange,) = await gateway.journalled()
    assert json.loads(reply.events[-1])["error"]["code"] == "policy_unavailable"
    assert 0 < len(reply.streamed) < len(text)
    assert not exchange.usable


async def test_what_was_said_of_an_answer_is_kept_when_the_client_leaves(kit):
    """The record of a stream that nobody waited for has the decisions about what had come of it."""
    leave, text = asyncio.Event(), f"write to {EMAIL} soon, " + WORDS * 20
    written = msgspec.structs.replace(kit.stream(pieces(text), done=False), hold=asyncio.Event())
    async with kit.Gateway(student=[written], policies=checks(kit, *REDACTS), text=True) as gateway:
        asking = asyncio.get_running_loop().create_task(gateway.chat(stream=True, leave=leave))
        await kit.until(lambda: gateway.student.requests)
        for _ in range(50):
            await asyncio.sleep(0)
        leave.set()
        await asking
        (exchange,) = await gateway.journalled()
    assert (exchange.arm, exchange.status) == (Arm.NONE, 499)
    assert [(each.check, each.verdict, each.arm) for each in exchange.decisions] == [
        ("pii", Verdict.REDACT, Arm.CHAMPION)
    ]


async def test_what_was_said_of_the_student_is_kept_when_the_client_leaves_the_teacher(kit):
    """A client that does not wait for the fallback leaves a record of why there was one."""
    leave = asyncio.Event()
    late = msgspec.structs.replace(kit.answer("refund"), gate=asyncio.Event())
    scripts = {"student": [kit.answer("perhaps")], "teacher": [late]}
    async with kit.Gateway(**scripts, policies=checks(kit, "label")) as gateway:
        asking = asyncio.get_running_loop().create_task(gateway.chat(leave=leave))
        await kit.until(lambda: gateway.teacher.requests)
        leave.set()
        await asking
        (exchange,) = await gateway.journalled()
    assert [(each.check, each.verdict, each.arm) for each in exchange.decisions] == [
        ("label", Verdict.FALLBACK, Arm.CHAMPION)
    ]
