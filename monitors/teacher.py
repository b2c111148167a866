"""Asks the teacher off-path, with the client's own request, through the openai SDK."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import openai
from openai.types.chat import ChatCompletion

from domain.errors import UpstreamError, UpstreamFailure
from domain.records import Usage

if TYPE_CHECKING:
    from domain.settings import ModelSettings, ShadowSettings, UpstreamSettings

_STREAMING = ("stream", "stream_options")
_RETRIES = 2


class Reply(msgspec.Struct, frozen=True):
    """What the teacher said and what it used."""

    text: str
    usage: Usage


class Teacher:
    """One teacher model, asked at most `concurrency` times at once."""

    def __init__(self, model: ModelSettings, upstream: UpstreamSettings, *, shadow: ShadowSettings) -> None:
        self._model = model.model
        self._slots = asyncio.Semaphore(shadow.concurrency)
        self._client = openai.AsyncOpenAI(
            base_url=upstream.base_url,
            api_key=upstream.api_key or "none",
            timeout=shadow.timeout_s,
            max_retries=_RETRIES,
        )

    async def ask(self, request: bytes) -> Reply:
        """The teacher's answer to the body of a client's request.

        Raises:
            UpstreamError: there was none after two retries.
        """
        fields: dict[str, Any] = msgspec.json.decode(request)
        body = {key: value for key, value in fields.items() if key not in _STREAMING} | {"model": self._model}
        try:
            async with self._slots:
                answer = await self._client.post("/chat/completions", cast_to=ChatCompletion, body=body)
        except openai.APITimeoutError:
            raise UpstreamError(UpstreamFailure.TIMEOUT, "the teacher did not answer in time") from None
        except openai.APIStatusError as error:
            raise UpstreamError(UpstreamFailure.STATUS, f"the teacher answered {error.status_code}") from None
        except openai.OpenAIError as error:
            raise UpstreamError(UpstreamFailure.CONNECT, f"the teacher failed: {type(error).__name__}") from None
        usage = Usage(answer.usage.prompt_tokens, answer.usage.completion_tokens) if answer.usage else Usage()
        return Reply((answer.choices[0].message.content or "") if answer.choices else "", usage)

    async def aclose(self) -> None:
        """Close connections."""
        await self._client.close()
