"""The chat endpoint, put together."""

from __future__ import annotations

import json

from domain.errors import UpstreamFailure
from gateway.dialects.chat.dialect import ChatDialect

CHAT = ChatDialect()
BODY = b'{"choices":[{"index":0,"message":{"content":"my SECRET"},"logprobs":{"content":[{"logprob":-1}]}}]}'


def test_the_parts_belong_to_one_endpoint():
    """Reading, scoring, stripping and redacting all understand the same answer."""
    answer = CHAT.whole(BODY)
    assert CHAT.logprobs(BODY) == [(0, -1.0)]
    assert CHAT.logprobs(CHAT.without_logprobs(BODY)) == []
    redacted = CHAT.redactor(answer.changes(("my [x]",))).apply(BODY)
    assert CHAT.whole(redacted).choices[0].content == "my [x]"
    reader = CHAT.reader()
    reader.add(BODY)
    assert reader.build() == answer
    assert not reader.ended


def test_a_broken_stream_is_told_as_an_error_event():
    """The event is OpenAI's error object, which the SDK raises; no sentinel comes with it."""
    event = CHAT.failure(UpstreamFailure.DISCONNECT)
    assert event.startswith(b"data: ")
    assert event.endswith(b"\n\n")
    assert json.loads(event[6:])["error"]["type"] == "api_error"
    assert CHAT.error(b'{"error":{}}') == b'data: {"error":{}}\n\n'
