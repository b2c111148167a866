"""Streams in pieces: where each stands, and when a choice is over; for the two endpoints that have them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialect import Head, Spotted, Stretch
from gateway.dialects.chat.dialect import ChatDialect
from gateway.dialects.completions.dialect import CompletionsDialect
from gateway.dialects.pieces import head

OWN = Head("own", 7, "m")
DIALECTS = [ChatDialect(), CompletionsDialect()]
both = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
CHOICES = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from(["content", "reasoning"]), st.text("xy", max_size=3), st.booleans()),
    max_size=3,
)


def _chunk(dialect, choices):
    found = []
    for index, place, text, ends in choices:
        said = {"delta": {place: text}} if dialect.name == "chat" else {"text": text}
        found.append({"index": index, **said, "finish_reason": "stop" if ends else None, "logprobs": {"content": []}})
    return json.dumps({"id": "a", "choices": found}).encode()


@both
@given(st.lists(CHOICES, max_size=10))
def test_the_pieces_stand_where_the_reader_has_them(dialect, chunks):
    """A choice may come several times in one chunk; its text is still the sum of its pieces."""
    reader, spotter, lengths = dialect.reader(), dialect.spotter(), {}
    for chunk in (_chunk(dialect, choices) for choices in chunks):
        reader.add(chunk)
        for slot, start, end in spotter.spot(chunk).stretches:
            assert lengths.get(slot, 0) == start < end
            lengths[slot] = end
    answer = reader.build()
    texts = dict(zip(answer.slots, answer.subject("").texts, strict=True))
    assert lengths == {slot: len(text) for slot, text in texts.items() if text}


@both
def test_a_choice_that_says_why_it_ended_closes_its_texts(dialect):
    """All of them, those of the same chunk too, and none of another choice."""
    spotter = dialect.spotter()
    spotter.spot(_chunk(dialect, [(0, "content", "ab", False), (1, "content", "c", False)]))
    spotted = spotter.spot(_chunk(dialect, [(0, "content", "c", True)]))
    assert spotted == Spotted((Stretch((0, "content"), 2, 3),), ((0, "content"),))
    assert spotter.spot(_chunk(dialect, [(1, "content", "", True)])) == Spotted((), ((1, "content"),))
    assert spotter.spot(b'{"choices":[]}') == Spotted()


@both
def test_a_rewritten_chunk_shows_the_other_text(dialect):
    """Only the texts that changed do, and the log-probabilities go."""
    chunk = _chunk(dialect, [(0, "content", "SECRET", False), (1, "content", "fine", False)])
    sent = dialect.rewritten(chunk, [((0, "content"), "[x]"), ((1, "content"), None)])
    plain = _chunk(dialect, [(0, "content", "[x]", False), (1, "content", "fine", False)])
    assert json.loads(sent) == json.loads(dialect.without_logprobs(plain))


@both
def test_a_stream_that_is_cut_off_keeps_its_name(dialect):
    """The last event is one of the same answer, and says content_filter of every choice."""
    chunk = _chunk(dialect, [(0, "content", "a", False), (1, "content", "b", False)])
    call = dialect.decode(b'{"model":"t","prompt":"hi","messages":[{"role":"user","content":"hi"}]}')
    events = [json.loads(event) for event in dialect.cut_off(call, dialect.whole(chunk), OWN, chunk, chunk)]
    assert {(event["id"], event["created"], event["model"]) for event in events} == {("a", 7, "m")}
    ends = [choice for event in events for choice in event["choices"]]
    assert [(each["index"], each["finish_reason"]) for each in ends] == [(0, "content_filter"), (1, "content_filter")]


@pytest.mark.parametrize(
    ("chunk", "named"),
    [
        (b'{"id":"a","created":1,"model":"b"}', Head("a", 1, "b")),
        (b'{"id":"","model":null}', OWN),
        (b'{"id":"a"}', Head("a", 7, "m")),
        (b'{"id":7}', OWN),
        (b"[DONE]", OWN),
        (b"", OWN),
    ],
)
def test_an_answer_is_named_as_it_names_itself(chunk, named):
    """Where it does not, our name stands."""
    assert head(chunk, OWN) == named
