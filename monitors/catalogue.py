"""What a provider says of its models: `GET /models`, through the openai SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import msgspec
import openai

from domain.errors import UpstreamError, UpstreamFailure
from monitors import retirement

if TYPE_CHECKING:
    from monitors.retirement import Notice

_NOT_FOUND = 404
_MODEL = msgspec.json.Decoder(dict[str, Any])


class _Listed(msgspec.Struct):
    data: list[dict[str, Any]]


_LIST = msgspec.json.Decoder(_Listed | list[dict[str, Any]])  # some servers list without an envelope


class Catalogue:
    """The models of one upstream."""

    def __init__(self, client: openai.AsyncOpenAI) -> None:
        self._client = client

    async def notice(self, model: str) -> Notice | None:
        """Whether the provider ends `model`; None when it says nothing of it.

        Raises:
            UpstreamError: it could not be asked, or does not list the model.
        """
        response = await self._get("/models")
        listed = self._read(_LIST, response)
        models = listed.data if isinstance(listed, _Listed) else listed
        found = next((fields for fields in models if _named(fields, model)), None)
        if found is None:
            response = await self._get(f"/models/{quote(model, safe=':')}")
            found = self._read(_MODEL, response)
        return retirement.sooner(retirement.in_model(found), retirement.in_headers(response.headers))

    async def aclose(self) -> None:
        """Close connections."""
        await self._client.close()

    async def _get(self, path: str) -> httpx.Response:
        try:
            return await self._client.get(path, cast_to=httpx.Response)
        except openai.APITimeoutError:
            raise UpstreamError(UpstreamFailure.TIMEOUT, f"{self._host} did not answer in time") from None
        except openai.APIStatusError as error:
            what = "does not list it" if error.status_code == _NOT_FOUND else f"answered {error.status_code}"
            raise UpstreamError(UpstreamFailure.STATUS, f"{self._host} {what}") from None
        except openai.APIConnectionError:
            raise UpstreamError(UpstreamFailure.CONNECT, f"cannot reach {self._host}") from None

    def _read(self, decoder: msgspec.json.Decoder[Any], response: httpx.Response) -> Any:
        try:
            return decoder.decode(response.content)
        except (msgspec.DecodeError, RecursionError):
            raise UpstreamError(UpstreamFailure.PROTOCOL, f"{self._host} did not answer with models") from None

    @property
    def _host(self) -> str:
        return self._client.base_url.host


def _named(fields: dict[str, Any], model: str) -> bool:
    name = fields.get("id")
    return isinstance(name, str) and model in (name, name.removeprefix("models/"))
