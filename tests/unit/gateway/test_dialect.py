"""What every dialect must keep to, whatever its endpoint looks like."""

from __future__ import annotations

import json

import pytest

from domain.errors import UpstreamFailure
from gateway.app import DIALECTS
from gateway.dialect import Head
from gateway.errors import ApiError

SECRET = "SECRET"
HUGE = b"12345678901234567890123"
REQUESTS = {
    "chat": {"messages": [{"role": "user", "content": "where"}]},
    "responses": {"input": "where"},
    "completions": {"prompt": "where"},
    "embeddings": {"input": "where"},
}
ANSWERS = {
    "chat": {"id": "a", "choices": [{"index": 0, "message": {"content": SECRET}, "finish_reason": "stop"}]},
    "completions": {"id": "a", "choices": [{"index": 0, "text": SECRET, "finish_reason": "stop"}]},
    "responses": {
        "id": "a",
        "status": "completed",
        "output": [{"type": "message", "content": [{"type": "output_text", "text": SECRET}]}],
    },
}

every = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
texts = pytest.mark.parametrize("dialect", [d for d in DIALECTS if d.name in ANSWERS], ids=lambda d: d.name)


def _body(dialect, **fields):
    return json.dumps({"model": "task", **REQUESTS[dialect.name], **fields}).encode()


def test_each_has_its_own_place():
    """No two dialects answer one path or count under one name."""
    assert len({dialect.path for dialect in DIALECTS}) == len({dialect.name for dialect in DIALECTS}) == len(DIALECTS)


@every
def test_only_the_model_changes(dialect):
    """A request is understood, its texts are seen, and what is not ours to know stays to the byte."""
    body = _body(dialect)[:-1] + b', "vendor": {"n": ' + HUGE + b"}}"
    call = dialect.decode(body)
    assert (call.model, call.texts, call.input_text, call.dialect) == ("task", ("where",), "where", dialect)
    sent = dialect.for_model(call, "student")
    assert HUGE in sent
    assert {**json.loads(sent), "model": "task"} == json.loads(body)


@every
@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"model":7}', b'{"model":"m","x":NaN}', b"\xff"])
def test_what_is_no_request_is_400(dialect, body):
    """The refusal is OpenAI's error object, never an exception of a decoder."""
    with pytest.raises(ApiError) as caught:
        dialect.decode(body)
    assert caught.value.status == 400
    assert set(json.loads(caught.value.body)["error"]) == {"message", "type", "param", "code"}


@texts
@pytest.mark.parametrize("stream", [False, True])
def test_a_withheld_answer_says_nothing(dialect, stream):
    """What was blocked leaves no trace in its replacement, which the dialect itself can read."""
    call = dialect.decode(_body(dialect, stream=stream))
    answer = dialect.whole(json.dumps(ANSWERS[dialect.name]).encode())
    assert SECRET in answer.subject("").texts
    head = Head("id", 1, "m")
    if not stream:
        sent = dialect.withheld(call, answer, head)
        assert SECRET.encode() not in sent
        assert SECRET not in "".join(dialect.whole(sent).subject("").texts)
        return
    events = dialect.withheld_events(call, answer, head)
    reader = dialect.reader()
    for event in events:
        reader.add(event)
    assert SECRET.encode() not in b"".join(events)
    assert reader.build().subject("").texts in {(), ("",)}


@texts
def test_a_redacted_answer_shows_the_other_text(dialect):
    """The text is replaced where it stands; the rest of the answer is as it was."""
    body = json.dumps(ANSWERS[dialect.name]).encode()
    answer = dialect.whole(body)
    sent = dialect.redactor(answer.changes(("[x]",))).apply(body)
    assert json.loads(sent) == json.loads(body.replace(SECRET.encode(), b"[x]"))


@texts
@pytest.mark.parametrize("kind", UpstreamFailure)
def test_a_failure_is_one_event(dialect, kind):
    """It is framed, valid JSON, and tells nothing of addresses."""
    event = dialect.failure(kind)
    (data,) = [line[6:] for line in event.split(b"\n") if line.startswith(b"data: ")]
    assert json.loads(data)["error"]["message"]
    assert event.endswith(b"\n\n")
