"""The teacher as the loop asks it: the real openai SDK, temperature 0, with patience for a busy server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import openai

from adapters.http import tls
from domain.errors import UpstreamError, UpstreamFailure
from domain.prices import Price
from domain.records import Usage

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionMessageParam

_RETRIES = 5  # of the SDK, with exponential backoff; it obeys Retry-After
_HOPELESS = frozenset({401, 403, 404})  # the next input would fail in the same way


class TeacherAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the teacher said about one input.  A teacher that declined has a refusal and no text."""

    text: str
    refusal: str
    cut: bool  # it ran into a token limit: the text is not the whole answer
    usage: Usage


class _Said(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None


class _Choice(msgspec.Struct):
    message: _Said
    finish_reason: str | None = None


class _Completion(msgspec.Struct):
    choices: Annotated[list[_Choice], msgspec.Meta(min_length=1)]
    usage: Usage | None = None


_DECODER = msgspec.json.Decoder(_Completion)


class TeacherError(UpstreamError):
    """The teacher gave no answer.  `hopeless`: asking about other inputs would fail as well."""

    def __init__(self, kind: UpstreamFailure, problem: str, *, hopeless: bool) -> None:
        super().__init__(kind, problem)
        self.hopeless = hopeless


class Teacher:
    """One model on an OpenAI-compatible server, with the task's system prompt and its price."""

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        model: str,
        prompt: str,
        price: Price,
        timeout_s: float = 60.0,
        ca_file: Path | None = None,
    ) -> None:
        """`ca_file` holds the certificates to trust instead of the system's, in PEM."""
        trusted = tls.client_context(tls.read_authorities(ca_file)) if ca_file else None
        self.model = model
        self.prompt = prompt
        self.price = price
        self._base_url = base_url
        # The SDK insists on a key; a server of one's own may want none.
        self._client = openai.AsyncOpenAI(
            base_url=base_url,
            api_key=api_key or "none",
            timeout=timeout_s,
            max_retries=_RETRIES,
            http_client=openai.DefaultAsyncHttpxClient(verify=trusted) if trusted else None,
        )

    async def ask(self, text: str) -> TeacherAnswer:
        """The teacher's answer to one input.

        Raises:
            TeacherError: there was none, after retries.
        """
        try:
            reply = await self._client.chat.completions.with_raw_response.create(
                model=self.model, messages=self._messages(text), temperature=0
            )
            # The SDK hands on whatever JSON or text came; the shape is ours to check.
            return _answer(_DECODER.decode(reply.content))
        except openai.OpenAIError as error:
            raise self._failure(error) from None
        except ValueError:
            raise self._no_completion() from None

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()

    def _messages(self, text: str) -> list[ChatCompletionMessageParam]:
        user: ChatCompletionMessageParam = {"role": "user", "content": text}
        return [{"role": "system", "content": self.prompt}, user] if self.prompt else [user]

    def _failure(self, error: openai.OpenAIError) -> TeacherError:
        where = f"teacher {self.model} at {self._base_url}"
        if isinstance(error, openai.APIStatusError):
            hopeless = error.status_code in _HOPELESS
            problem = f"{where} answered {error.status_code} ({error.code or 'no code'}); check its key and model name"
            return TeacherError(UpstreamFailure.STATUS, problem, hopeless=hopeless)
        if isinstance(error, openai.APITimeoutError):
            return TeacherError(UpstreamFailure.TIMEOUT, f"{where} did not answer in time", hopeless=False)
        if isinstance(error, openai.APIConnectionError):
            problem = f"{where} cannot be reached; start it or correct base_url"
            return TeacherError(UpstreamFailure.CONNECT, problem, hopeless=True)
        return self._no_completion()

    def _no_completion(self) -> TeacherError:
        problem = f"teacher {self.model} at {self._base_url} sent no chat completion; check that base_url ends in /v1"
        return TeacherError(UpstreamFailure.PROTOCOL, problem, hopeless=False)


def _answer(completion: _Completion) -> TeacherAnswer:
    choice = completion.choices[0]
    return TeacherAnswer(
        text=choice.message.content or "",
        refusal=choice.message.refusal or "",
        cut=choice.finish_reason == "length",
        usage=completion.usage or Usage(),
    )
