"""The responses endpoint as the pipeline sees it."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import UpstreamFailure
from domain.records import Verdict
from domain.settings import CheckSettings
from gateway import sse
from gateway.dialect import Head
from gateway.dialects.responses.dialect import ResponsesDialect

DIALECT = ResponsesDialect()
REQUEST = {"input": "where is my money"}
PATH = "/v1/responses"
WORDS = "some quite harmless words about nothing at all, "
KEY = "gh" + "p_" + "a1B2c3D4e5" * 4
EMAIL = "jane.doe@gmail.com"
TEXTS = st.lists(
    st.sampled_from([EMAIL, f" {KEY}", KEY[:9], "jane.doe@", "gmail.com", WORDS * 4, " ", ", ", "x"]),
    min_size=1,
    max_size=8,
).map("".join)
CUTS = (CheckSettings(name="pii", verdict=Verdict.REDACT), CheckSettings(name="secrets", verdict=Verdict.REDACT))
STOPS = (CheckSettings(name="secrets"),)


def test_what_it_says_of_itself():
    """No sentinel ends its streams, answers are text, and the gateway keeps none of them."""
    assert (DIALECT.name, DIALECT.path, DIALECT.done) == ("responses", "/responses", None)
    assert (DIALECT.one_model, DIALECT.stores) == (False, False)


def test_one_answer_through_all_of_it(wire):
    """Read, scored, redacted and withheld: each part works on what the others gave."""
    call = DIALECT.decode(b'{"model":"t","input":"hi","stream":true}')
    assert call.dialect is DIALECT
    assert json.loads(DIALECT.for_model(call, "m", usage=True))["model"] == "m"
    events = wire.stream([wire.message(wire.said("my SECRET"))])
    reader = DIALECT.reader()
    for event in events:
        reader.add(event)
        assert not DIALECT.only_usage(event)
    answer = reader.build()
    assert answer == DIALECT.whole(wire.whole([wire.message(wire.said("my SECRET"))]))
    assert sum(logprob for event in events for _, logprob in DIALECT.logprobs(event)) == -1.5
    assert not any(DIALECT.logprobs(DIALECT.without_logprobs(event)) for event in events)
    redactor = DIALECT.redactor({(0, "content"): "[x]"})
    framed = b"".join(DIALECT.frame(redactor.apply(event)) for event in events)
    assert b"SECRET" not in framed
    assert len(sse.EventParser().feed(framed)) == len(events)
    head = Head("resp_1", 5, "m")
    assert DIALECT.withheld_events(call, answer, head)[-1].endswith(b"}}")
    assert b"SECRET" not in DIALECT.withheld(call, answer, head)


def test_failures_and_errors_are_error_events():
    """Whatever ends a stream early is one event named error."""
    for sent in (DIALECT.failure(UpstreamFailure.TIMEOUT), DIALECT.error(b'{"error":{"message":"m"}}')):
        assert sent.startswith(b"event: error\ndata: ")


def _script(kit, events):
    """A stream of these events, one at a time."""
    chunks = tuple(sse.event(event) for event in events)
    return msgspec.structs.replace(kit.stream(), chunks=chunks)


def _sent(reply):
    """The events that a client got."""
    return [json.loads(line[6:]) for line in reply.body.decode().splitlines() if line.startswith("data: ")]


def _items(wire):
    """What a model writes, with texts near to what is looked for."""
    parts = st.lists(st.one_of(TEXTS.map(wire.said), TEXTS.map(wire.refused)), min_size=1, max_size=2)
    thoughts = st.lists(TEXTS, min_size=1, max_size=2).map(lambda texts: wire.reasoned(*texts))
    calls = st.one_of(TEXTS.map(wire.called), TEXTS.map(wire.custom), TEXTS.map(wire.remote), TEXTS.map(wire.shelled))
    return st.one_of(parts.map(lambda found: wire.message(*found)), thoughts, calls, TEXTS.map(wire.coded))


def _spoken(events):
    """What a client puts together from the pieces, by place, and what the closing events say in the same places."""
    pieces, wholes = {}, {}
    at = ("output_index", "content_index", "summary_index")
    for event in events:
        stem, _, phase = event["type"].rpartition(".")
        place = (stem, *(event.get(name) for name in at))
        if phase == "delta":
            pieces[place] = pieces.get(place, "") + event["delta"]
        elif phase == "done" and "item" not in event and "part" not in event:
            (wholes[place],) = [event[name] for name in event if name in _WHOLE]
    return pieces, {place: text for place, text in wholes.items() if place in pieces}


_WHOLE = {"text", "refusal", "arguments", "input", "code", "command"}


@pytest.mark.parametrize("listed", [CUTS, STOPS], ids=["cut", "stop"])
def test_a_stream_and_a_whole_response_end_the_same(kit, wire, listed):
    """The same verdict; the same response when it is let through; and nothing of what is found in any event."""
    with kit.asking(*listed) as ask:

        @settings(max_examples=60, deadline=None)
        @given(st.lists(_items(wire), min_size=1, max_size=3), st.integers(1, 40), st.lists(st.integers(0, 2)))
        def same(output, size, turns):
            body = msgspec.structs.replace(kit.answer(), chunks=(wire.whole(output),))
            whole, record = ask(body, REQUEST, PATH)
            events = wire.stream(output, size=size, turns=turns)
            streamed, other = ask(_script(kit, events), REQUEST | {"stream": True}, PATH)
            assert [each.verdict for each in other.decisions] == [each.verdict for each in record.decisions]
            assert other.finish_reason == record.finish_reason
            sent = [json.loads(wire.checked(json.dumps(event).encode())) for event in _sent(streamed)]
            assert [event["sequence_number"] for event in sent] == list(range(len(sent)))
            pieces, wholes = _spoken(sent)
            assert wholes.items() <= pieces.items()
            if record.finish_reason != "content_filter":
                assert sent[-1]["response"] == whole.json
                assert wholes.keys() == pieces.keys()
                assert (EMAIL in streamed.body.decode()) is (EMAIL in json.dumps(whole.json))
            else:
                last = sent[-1]["response"]
                assert (sent[-1]["type"], last["id"] == "resp_1" or len(sent) == 3) == ("response.incomplete", True)
                assert (last["output"], last["incomplete_details"]) == ([], whole.json["incomplete_details"])
                assert f" {KEY[:14]}" not in streamed.body.decode()

        same()


async def test_a_response_leaves_while_the_model_still_writes_it(kit, wire):
    """To the byte, item by item: a call that is complete waits for nothing, and the text for its window only."""
    output = [wire.called('{"a": 1}'), wire.message(wire.said(WORDS * 20))]
    written = wire.stream(output, size=9)
    async with kit.Gateway(student=[_script(kit, written)], policies=kit.checks(output=CUTS), text=True) as gateway:
        body = json.dumps({"model": "intent", "stream": True, **REQUEST}).encode()
        reply = await kit.drive(gateway.app, body, path=PATH)
        (exchange,) = await gateway.journalled()
    assert reply.body == b"".join(map(DIALECT.frame, written))
    leaving = [piece for piece in reply.pieces if piece]
    assert b"function_call_arguments.done" in leaving[0]
    assert b"output_text.delta" not in leaving[0]
    assert len(leaving) > 10
    assert (exchange.output_text, exchange.usable) == (WORDS * 20, True)


async def test_a_blocked_response_stops_where_it_is(kit, wire):
    """What had left stays, the response ends as incomplete, and the record says what was sent."""
    text = WORDS * 20 + f"the key is {KEY} and " + WORDS * 20
    written = wire.stream([wire.message(wire.said(text))], size=7)
    async with kit.Gateway(student=[_script(kit, written)], policies=kit.checks(output=STOPS), text=True) as gateway:
        body = json.dumps({"model": "intent", "stream": True, **REQUEST}).encode()
        reply = await kit.drive(gateway.app, body, path=PATH)
        (exchange,) = await gateway.journalled()
    sent = _sent(reply)
    said = "".join(event.get("delta", "") for event in sent)
    assert len(said) > len(WORDS) * 10
    assert (WORDS * 20 + "the key is ").startswith(said)
    assert [event["sequence_number"] for event in sent] == list(range(len(sent)))
    assert (sent[-1]["type"], sent[-1]["response"]["id"]) == ("response.incomplete", "resp_1")
    assert sent[-1]["response"]["usage"] is None
    assert (exchange.output_text, exchange.finish_reason, exchange.usable) == (said, "content_filter", False)


async def test_a_text_that_is_told_again_in_part_has_left_whole(kit, wire):
    """The record of a blocked response has all that its client got, though the last event of a text had less of it."""
    written = wire.stream([wire.message(wire.said(WORDS * 2)), wire.called(KEY)], size=20)
    told = [json.loads(event) for event in written]
    for event in told:
        if event["type"] == "response.output_text.done":
            event["text"] = WORDS
    first = next(number for number, event in enumerate(told) if event["type"] == "response.content_part.done")
    written = [json.dumps(event).encode() for event in told[:first] + told[first + 2 :]]
    async with kit.Gateway(student=[_script(kit, written)], policies=kit.checks(output=STOPS), text=True) as gateway:
        body = json.dumps({"model": "intent", "stream": True, **REQUEST}).encode()
        reply = await kit.drive(gateway.app, body, path=PATH)
        (exchange,) = await gateway.journalled()
    assert "".join(event.get("delta", "") for event in _sent(reply)) == exchange.output_text == WORDS * 2
    assert _sent(reply)[-1]["type"] == "response.incomplete"


async def test_a_restated_text_is_watched_too(kit, wire):
    """A closing event that says something else than the pieces did is cut where it stands."""
    at = {"item_id": "i", "output_index": 0, "content_index": 0}
    written = wire.stream([wire.message(wire.said(WORDS * 20))], size=40)
    done = next(number for number, event in enumerate(written) if b"output_text.done" in event)
    other = {"type": "response.output_text.done", **at, "text": f"to {EMAIL}", "logprobs": [], "sequence_number": done}
    written[done] = wire.checked(json.dumps(other).encode())
    async with kit.Gateway(student=[_script(kit, written)], policies=kit.checks(output=CUTS), text=True) as gateway:
        body = json.dumps({"model": "intent", "stream": True, **REQUEST}).encode()
        reply = await kit.drive(gateway.app, body, path=PATH)
    assert _sent(reply)[done]["text"] == "to [email]"
    assert EMAIL not in reply.body.decode()
