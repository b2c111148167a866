from __future__ import annotations

import openai

from cli.demo.sender import send


async def test_answers_come_in_the_order_of_the_rows(teacher):
    """Eight at a time, streamed or not, each answer must belong to its row."""
    port, rows = teacher
    seen = []
    async with openai.AsyncOpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="x") as client:
        answers = await send(client, "oracle", rows[:40], prompt="p", progress=seen.append)
    assert answers == [row.label for row in rows[:40]]
    assert seen == list(range(1, 41))
