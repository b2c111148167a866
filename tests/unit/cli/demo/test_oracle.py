from __future__ import annotations

import openai
import pytest

from cli.demo.oracle import Oracle


def test_errors_come_at_the_stated_rate_and_stay():
    """The share of wrong answers must be the configured one, and a text must always get the same answer."""
    gold = {f"text {number}": f"l{number % 5}" for number in range(5000)}
    oracle = Oracle(gold, error_rate=0.1)
    answers = {text: oracle.answer(text) for text in gold}
    assert abs(sum(answers[text] != gold[text] for text in gold) / len(gold) - 0.1) < 0.015
    assert all(oracle.answer(text) == answer for text, answer in answers.items())
    assert set(answers.values()) <= set(gold.values())


def test_without_errors_it_knows_everything():
    """At rate 0 every answer must be the gold label; a text that it never saw is unknown."""
    oracle = Oracle({"a": "x", "b": "y"}, error_rate=0.0)
    assert [oracle.answer(text) for text in ("a", "b", "c")] == ["x", "y", "unknown"]


async def test_the_openai_sdk_can_talk_to_it(teacher):
    """Streamed or not, the real SDK must read the same answer, with usage."""
    port, rows = teacher
    async with openai.AsyncOpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="x", max_retries=0) as client:
        messages = [{"role": "user", "content": rows[0].text}]
        whole = await client.chat.completions.create(model="oracle", messages=messages)
        events = [e async for e in await client.chat.completions.create(model="oracle", messages=messages, stream=True)]
        assert whole.choices[0].message.content == rows[0].label
        assert whole.usage.prompt_tokens > 0
        assert "".join(e.choices[0].delta.content or "" for e in events if e.choices) == rows[0].label
        assert [model.id async for model in client.models.list()] == ["oracle"]
        with pytest.raises(openai.BadRequestError):
            await client.post("/chat/completions", cast_to=object, body={"messages": 3})
