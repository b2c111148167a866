"""Rewriting: redacted and withheld completions keep their shape and leak nothing."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from openai.types import Completion

from domain.records import Usage
from gateway.answers import Answer, Choice
from gateway.dialect import Head
from gateway.dialects.completions.answer import CompletionReader, whole
from gateway.dialects.completions.dialect import CompletionsDialect
from gateway.dialects.completions.rewrite import CompletionRedactor, withheld, withheld_events, without_logprobs

SECRET = "SECRET"
HEAD = Head("i", 5, "m")


def _read(chunks):
    reader = CompletionReader()
    for chunk in chunks:
        reader.add(chunk)
    return reader.build()


def test_all_else_stays_to_the_byte():
    """Unknown fields and long integers stay as they were; log-probabilities, which spell the text, go."""
    body = (
        b'{"big":12345678901234567890123,"choices":[{"x":1.50,"text":"my SECRET","logprobs":{"tokens":["SECRET"]}},'
        b'{"index":1,"text":"kept"}]}'
    )
    sent = CompletionRedactor({(0, "content"): "my [x]"}).apply(body)
    assert sent == body.replace(b"my SECRET", b"my [x]").replace(b'{"tokens":["SECRET"]}', b"null")


@given(
    st.lists(st.lists(st.sampled_from([SECRET, "a", "S", "ü"]), max_size=5).map("".join), min_size=1), st.integers(1, 9)
)
def test_no_chunk_shows_a_redacted_text(texts, size):
    """However the texts are cut, the chunks give the redacted ones and nothing of the others."""
    chunks = []
    for start in range(0, 30, size):
        choices = [{"index": index, "text": text[start : start + size]} for index, text in enumerate(texts)]
        chunks.append(json.dumps({"choices": choices}).encode())
    answer = _read(chunks)
    changes = answer.changes(tuple(text.replace(SECRET, "[x]") for text in answer.subject("").texts))
    redactor = CompletionRedactor(changes)
    sent = [redactor.apply(chunk) for chunk in chunks]
    assert _read(sent) == answer.with_texts(changes)
    assert not any(SECRET in choice.content for choice in _read(sent).choices)


def test_scores_can_be_taken_away_alone():
    """What the cascade asked for and the client did not goes, and no text changes."""
    body = b'{"choices":[{"index":0,"text":"a","logprobs":{"tokens":["a"]}},{"index":1,"text":"b"}]}'
    assert without_logprobs(body) == body.replace(b'{"tokens":["a"]}', b"null")


def test_withheld_answers_have_no_text():
    """A blocked answer says so in each `finish_reason`, whole or streamed, with the usage that was paid."""
    answer = Answer((Choice(0, {"content": SECRET}), Choice(1, {"content": SECRET})), Usage(7, 3))
    body = withheld(answer, HEAD)
    found = Completion.model_validate_json(body)
    assert [(choice.index, choice.text, choice.finish_reason) for choice in found.choices] == [
        (0, "", "content_filter"),
        (1, "", "content_filter"),
    ]
    assert found.usage.total_tokens == 10
    dialect = CompletionsDialect()
    for usage in (True, False):
        request = {"model": "x", "prompt": "a", "stream": True, "stream_options": {"include_usage": usage}}
        events = withheld_events(dialect.decode(json.dumps(request).encode()), answer, HEAD)
        for event in events:
            Completion.model_validate_json(event)
        assert len(events) == 2 + usage
        assert _read(events).choices == whole(body).choices
        assert _read(events).usage == (Usage(7, 3) if usage else Usage())
