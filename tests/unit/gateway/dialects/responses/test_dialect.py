"""The responses endpoint as the pipeline sees it."""

from __future__ import annotations

import json

from domain.errors import UpstreamFailure
from gateway import sse
from gateway.dialect import Head
from gateway.dialects.responses.dialect import ResponsesDialect

DIALECT = ResponsesDialect()


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
