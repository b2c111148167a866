"""The demo's client: sends rows through the openai SDK, every other one streamed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import openai

    from cli.demo.dataset import Row

_AT_ONCE = 8


async def send(
    client: openai.AsyncOpenAI, task: str, rows: Sequence[Row], *, prompt: str, progress: Callable[[int], None]
) -> list[str]:
    """The answers to all rows, in their order, eight at a time."""
    slots = asyncio.Semaphore(_AT_ONCE)
    done = 0

    async def one(number: int, row: Row) -> str:
        nonlocal done
        async with slots:
            answer = await ask(client, task, row.text, prompt=prompt, stream=number % 2 == 1)
        done += 1
        progress(done)
        return answer

    return list(await asyncio.gather(*(one(number, row) for number, row in enumerate(rows))))


async def ask(client: openai.AsyncOpenAI, task: str, text: str, *, prompt: str, stream: bool = False) -> str:
    """One answer."""
    if not stream:
        whole = await client.chat.completions.create(
            model=task, messages=[{"role": "system", "content": prompt}, {"role": "user", "content": text}]
        )
        return whole.choices[0].message.content or ""
    events = await client.chat.completions.create(
        model=task,
        messages=[{"role": "system", "content": prompt}, {"role": "user", "content": text}],
        stream=True,
        stream_options={"include_usage": True},  # or nobody would know what a streamed answer cost
    )
    return "".join([event.choices[0].delta.content or "" async for event in events if event.choices])
