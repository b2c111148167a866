"""The embeddings endpoint as the pipeline sees it."""

from __future__ import annotations

import pytest

from domain.errors import UpstreamFailure
from domain.records import Usage
from gateway.answers import Answer
from gateway.dialect import Head
from gateway.dialects.embeddings.dialect import EmbeddingsDialect

DIALECT = EmbeddingsDialect()
BODY = b'{"data":[{"embedding":[0.1]}],"usage":{"prompt_tokens":5}}'


def test_what_it_says_of_itself():
    """One model only, no stream, nothing kept."""
    assert (DIALECT.name, DIALECT.path, DIALECT.done) == ("embeddings", "/embeddings", None)
    assert (DIALECT.one_model, DIALECT.stores) == (True, False)


def test_one_answer_through_all_of_it():
    """Read, scored, redacted and withheld: there is no text in it anywhere."""
    call = DIALECT.decode(b'{"model":"t","input":"hi"}')
    assert call.dialect is DIALECT
    answer = DIALECT.whole(BODY)
    assert answer == Answer((), Usage(5))
    assert DIALECT.logprobs(BODY) == []
    assert DIALECT.without_logprobs(BODY) == BODY
    assert DIALECT.redactor({}).apply(BODY) == BODY
    assert b'"data":[]' in DIALECT.withheld(call, answer, Head("i", 5, "m"))


@pytest.mark.parametrize(
    "use",
    [
        DIALECT.reader,
        DIALECT.spotter,
        lambda: DIALECT.rewritten(BODY, []),
        lambda: DIALECT.only_usage(BODY),
        lambda: DIALECT.withheld_events(DIALECT.decode(b'{"model":"t","input":"hi"}'), Answer(()), Head("i", 5, "m")),
        lambda: DIALECT.cut_off(
            DIALECT.decode(b'{"model":"t","input":"hi"}'), Answer(()), Head("i", 5, "m"), BODY, BODY
        ),
        lambda: DIALECT.frame(BODY),
        lambda: DIALECT.failure(UpstreamFailure.TIMEOUT),
        lambda: DIALECT.error(BODY),
    ],
)
def test_what_belongs_to_a_stream_is_never_used(use):
    """A stream of vectors would be a fault of ours, and must not pass quietly."""
    with pytest.raises(AssertionError, match="not streamed"):
        use()
