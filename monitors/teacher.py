"""Asks the teacher off-path, with the client's own request, through the openai SDK."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import openai

from adapters.http import tls
from domain.errors import UpstreamError, UpstreamFailure
from monitors import answers, retirement
from monitors.answers import Reply

if TYPE_CHECKING:
    from domain.settings import ModelSettings, ShadowSettings, UpstreamSettings
    from monitors.retirement import Notice

_HERE = Path()
# Only the first choice is compared, so only one is paid for; what the client wants stored is the answer that it got.
_DROPPED = ("stream", "stream_options", "n", "best_of", "store", "metadata")
_UNSTORED = {"/responses": {"store": False}}  # where an answer is stored unless one says no
_RETRIES = 2  # with the SDK's backoff, all inside `timeout_s`


class Teacher:
    """One teacher model, asked at most `concurrency` times at once.  `role` names it in errors."""

    def __init__(
        self, model: ModelSettings, client: openai.AsyncOpenAI, *, shadow: ShadowSettings, role: str = "teacher"
    ) -> None:
        self._model = model.model
        self._client = client
        self._role = role
        self.notice: Notice | None = None  # what a reply said of the model's end
        self._timeout_s = shadow.timeout_s
        self._slots = asyncio.Semaphore(shadow.concurrency)

    async def ask(self, request: bytes, *, endpoint: str = "/chat/completions") -> Reply:
        """The teacher's answer to the body of a client's request; retried while `timeout_s` lasts.

        Raises:
            UpstreamError: there was none that can be compared.
        """
        body = self._body(request) | _UNSTORED.get(endpoint, {})
        try:
            async with self._slots, asyncio.timeout(self._timeout_s):
                answer = await self._client.post(endpoint, cast_to=httpx.Response, body=body)
        except (TimeoutError, openai.APITimeoutError):
            raise UpstreamError(UpstreamFailure.TIMEOUT, f"no answer in {self._timeout_s:g} s") from None
        except openai.APIStatusError as error:
            raise UpstreamError(UpstreamFailure.STATUS, f"the {self._role} answered {error.status_code}") from None
        except openai.APIConnectionError:
            raise UpstreamError(UpstreamFailure.CONNECT, f"cannot reach {self._client.base_url.host}") from None
        self.notice = retirement.in_headers(answer.headers) or self.notice
        return answers.read(endpoint, answer.content)

    async def aclose(self) -> None:
        """Close connections."""
        await self._client.close()

    def _body(self, request: bytes) -> dict[str, Any]:
        try:
            fields = msgspec.json.decode(request, type=dict[str, Any])
        except msgspec.DecodeError:
            raise UpstreamError(UpstreamFailure.PROTOCOL, "the journalled request is not a JSON object") from None
        return {key: value for key, value in fields.items() if key not in _DROPPED} | {"model": self._model}


def client(upstream: UpstreamSettings, *, timeout_s: float, root: Path = _HERE) -> openai.AsyncOpenAI:
    """The SDK's client of an upstream; its `ca_file` starts from `root`.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds no certificates.
    """
    trusted = tls.client_context(tls.read_authorities(root / upstream.ca_file)) if upstream.ca_file else None
    return openai.AsyncOpenAI(
        http_client=openai.DefaultAsyncHttpxClient(verify=trusted) if trusted else None,
        base_url=upstream.base_url,
        api_key=upstream.api_key or "none",  # the SDK refuses an empty one; local servers need none
        timeout=timeout_s,
        max_retries=_RETRIES,
    )
