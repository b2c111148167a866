"""OpenAI's endpoints for stored chat completions: list, retrieve, update, delete, and the messages that were asked.

Everybody sees their own only: those of the client key that asked, or, without keys, those of nobody's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.errors import StoreError
from gateway.authorize import SCOPE_KEY
from gateway.decoding import fields, raw, understood
from gateway.errors import ApiError
from gateway.metadata import check_metadata
from gateway.paging import Page, bad_after, listed

if TYPE_CHECKING:
    from domain.clients import StoredCompletion
    from domain.store import Store

T = TypeVar("T")

_PATH = "/v1/chat/completions"
_STORE_S = 5.0
_NULL = msgspec.Raw(b"null")

_Fields = dict[str, msgspec.Raw]


class _Update(msgspec.Struct, forbid_unknown_fields=True):
    metadata: dict[str, str] | None


class _Asked(msgspec.Struct):
    messages: list[_Fields]


_UPDATE = msgspec.json.Decoder(_Update)
_ASKED = msgspec.json.Decoder(_Asked)


def stored_completions(store: Store, *, timeout_s: float = _STORE_S) -> list[Route]:
    """The routes below /v1/chat/completions except the POST that creates; their errors are `ApiError`.

    A store that fails, or does not answer within `timeout_s`, is 503 with `retry-after`.
    """
    endpoints = _Endpoints(store, timeout_s=timeout_s)
    one = _PATH + "/{completion_id}"
    return [
        Route(_PATH, endpoints.list, methods=["GET"]),
        Route(one, endpoints.retrieve, methods=["GET"]),
        Route(one, endpoints.update, methods=["POST"]),
        Route(one, endpoints.delete, methods=["DELETE"]),
        Route(one + "/messages", endpoints.messages, methods=["GET"]),
    ]


class _Endpoints:
    def __init__(self, store: Store, *, timeout_s: float) -> None:
        self._store = store
        self._timeout_s = timeout_s

    async def list(self, request: Request) -> Response:
        """A page of completions."""
        page = Page.of(request.query_params.multi_items(), filters=True)
        owner = _owner(request)
        if page.after and await self._asked(self._store.completion(owner, page.after)) is None:
            raise bad_after(page.after)
        found = await self._asked(
            self._store.completions(
                owner,
                task=page.model,
                metadata=page.metadata,
                after=page.after,
                limit=page.limit + 1,
                newest_first=page.descending,
            )
        )
        return _json(listed([(one.id, _item(one)) for one in found], page.limit))

    async def retrieve(self, request: Request) -> Response:
        """One completion."""
        return _json(_item(await self._found(request)))

    async def update(self, request: Request) -> Response:
        """Other metadata for a completion."""
        metadata = understood(await request.body(), _UPDATE).metadata or {}
        check_metadata(metadata)
        completion_id = _completion_id(request)
        updated = await self._asked(self._store.update_completion(_owner(request), completion_id, metadata))
        if updated is None:
            raise _unknown(completion_id)
        return _json(_item(updated))

    async def delete(self, request: Request) -> Response:
        """Forget a completion."""
        completion_id = _completion_id(request)
        if not await self._asked(self._store.delete_completion(_owner(request), completion_id)):
            raise _unknown(completion_id)
        return _json({"object": "chat.completion.deleted", "id": completion_id, "deleted": True})

    async def messages(self, request: Request) -> Response:
        """A page of the messages that a completion answers."""
        page = Page.of(request.query_params.multi_items(), filters=False)
        found = await self._found(request)
        messages = _ASKED.decode(found.request).messages
        items = [_message(f"{found.id}-{number}", asked) for number, asked in enumerate(messages)]
        return _json(listed(page.beyond(items), page.limit))

    async def _found(self, request: Request) -> StoredCompletion:
        completion_id = _completion_id(request)
        found = await self._asked(self._store.completion(_owner(request), completion_id))
        if found is None:
            raise _unknown(completion_id)
        return found

    async def _asked(self, answer: Awaitable[T]) -> T:
        try:
            return await asyncio.wait_for(answer, self._timeout_s)
        except (StoreError, TimeoutError):
            message = "The store of completions cannot be used; try again"
            headers = [(b"retry-after", b"1")]
            raise ApiError(503, message, kind="server_error", code="store_unavailable", headers=headers) from None


def _completion_id(request: Request) -> str:
    return str(request.path_params["completion_id"])


def _owner(request: Request) -> str:
    key = request.scope.get(SCOPE_KEY)
    return "" if key is None else str(key.id)


def _item(completion: StoredCompletion) -> _Fields:
    """The completion as the client received it, to the byte, and its metadata."""
    return {**fields(completion.body), "metadata": raw(completion.metadata)}


def _message(id_: str, asked: _Fields) -> tuple[str, _Fields]:
    """A message with its id; `content` is the text, or null beside `content_parts` if it was given in parts."""
    content = asked.get("content", _NULL)
    parted = bytes(content).lstrip().startswith(b"[")
    own = {
        "id": raw(id_),
        "content": _NULL if parted else content,
        "content_parts": content if parted else _NULL,
    }
    return id_, {"name": _NULL, **asked, **own}


def _json(value: Any) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")


def _unknown(completion_id: str) -> ApiError:
    message = f"There is no stored completion {completion_id[:100]!r}"
    return ApiError(404, message, code="not_found", param="completion_id")
