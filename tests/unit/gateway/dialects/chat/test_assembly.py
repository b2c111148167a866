"""Assembly: a stream and a whole answer must be stored as the same completion."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion

from gateway.dialects.chat.assembly import assembled

HEAD = {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "vendor": {"a": 1}}


def _chunk(index=0, reason=None, logprobs=None, **delta):
    choice = {"index": index, "delta": delta, "finish_reason": reason, "logprobs": logprobs}
    return json.dumps({**HEAD, "choices": [choice], "usage": None}).encode()


def _usage():
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    return json.dumps({**HEAD, "choices": [], "usage": usage}).encode()


@given(st.lists(st.text(min_size=1), min_size=1), st.text(min_size=1))
def test_texts_are_put_together(pieces, refusal):
    """Content in any pieces becomes the content, other choices apart, and the SDK's own model accepts it."""
    chunks = [_chunk(role="assistant", content=""), *(_chunk(content=piece) for piece in pieces), _chunk(reason="stop")]
    chunks += [_chunk(1, role="assistant", refusal=refusal), _chunk(1, reason="stop"), _usage()]
    completion = ChatCompletion.model_validate_json(assembled(chunks), strict=True)
    first, second = completion.choices
    assert (first.message.content, first.message.refusal, first.finish_reason) == ("".join(pieces), None, "stop")
    assert (second.message.content, second.message.refusal) == (None, refusal)
    assert completion.usage is not None
    assert completion.usage.total_tokens == 3
    assert completion.model_extra == {"vendor": {"a": 1}}


def test_parallel_tool_calls_keep_their_arguments():
    """Calls are told apart by index, their names are not repeated, and the index, which only streams have, goes."""
    begin = [
        {"index": number, "id": f"t{number}", "type": "function", "function": {"name": "f", "arguments": ""}}
        for number in (0, 1)
    ]
    more = [{"index": number, "function": {"arguments": piece}} for piece in ("{", "}") for number in (1, 0)]
    chunks = [_chunk(role="assistant", content=None, tool_calls=begin)]
    chunks += [_chunk(tool_calls=[call]) for call in more]
    message = json.loads(assembled([*chunks, _chunk(reason="tool_calls")]))["choices"][0]["message"]
    assert message["tool_calls"] == [
        {"id": f"t{number}", "type": "function", "function": {"name": "f", "arguments": "{}"}} for number in (0, 1)
    ]


def test_logprobs_follow_each_other():
    """The tokens of all chunks stand in one list."""
    told = [{"content": [{"token": word, "logprob": -1.0, "bytes": None, "top_logprobs": []}], "refusal": None}
            for word in ("a", "b")]  # fmt: skip
    chunks = [_chunk(content=word, logprobs=logprobs) for word, logprobs in zip("ab", told, strict=True)]
    choice = json.loads(assembled([*chunks, _chunk(reason="stop")]))["choices"][0]
    assert [token["token"] for token in choice["logprobs"]["content"]] == ["a", "b"]
    assert choice["logprobs"]["refusal"] is None
