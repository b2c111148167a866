"""The completions endpoint as the pipeline sees it."""

from __future__ import annotations

import json

from domain.errors import UpstreamFailure
from gateway.dialect import Head
from gateway.dialects.completions.dialect import CompletionsDialect

DIALECT = CompletionsDialect()


def test_what_it_says_of_itself():
    """Its streams end as those of chat completions do, and the gateway keeps none of its answers."""
    assert (DIALECT.name, DIALECT.path, DIALECT.done) == ("completions", "/completions", b"[DONE]")
    assert (DIALECT.one_model, DIALECT.stores) == (False, False)


def test_one_answer_through_all_of_it():
    """Read, scored, redacted and withheld: each part works on what the others gave."""
    call = DIALECT.decode(b'{"model":"t","prompt":"hi","stream":true}')
    assert call.dialect is DIALECT
    assert json.loads(DIALECT.for_model(call, "m", usage=True))["stream_options"] == {"include_usage": True}
    body = b'{"choices":[{"index":0,"text":"my SECRET","logprobs":{"token_logprobs":[-1]},"finish_reason":"stop"}]}'
    reader = DIALECT.reader()
    reader.add(body)
    answer = DIALECT.whole(body)
    assert reader.build() == answer
    assert not DIALECT.only_usage(body)
    assert DIALECT.logprobs(body) == [(0, -1.0)]
    assert DIALECT.logprobs(DIALECT.without_logprobs(body)) == []
    assert b"SECRET" not in DIALECT.frame(DIALECT.redactor({(0, "content"): "[x]"}).apply(body))
    head = Head("i", 5, "m")
    assert DIALECT.withheld_events(call, answer, head) != ()
    assert b"SECRET" not in DIALECT.withheld(call, answer, head)


def test_failures_and_errors_are_events():
    """Whatever ends a stream early is an error object, which the SDK raises."""
    for sent in (DIALECT.failure(UpstreamFailure.TIMEOUT), DIALECT.error(b'{"error":{"message":"m"}}')):
        assert sent.startswith(b'data: {"error":{"message":')
