"""Stored completions, asked for with the real SDK and with raw requests."""

from __future__ import annotations

import asyncio

import httpx2 as httpx
import openai
import pytest
from starlette.applications import Starlette

from adapters.stores.sqlite import SqliteStore
from domain.clients import ClientKey, StoredCompletion
from domain.errors import StoreError
from gateway.authorize import SCOPE_KEY
from gateway.site import HANDLERS
from gateway.stored import stored_completions

PATH = "/v1/chat/completions"
BIG = b"12345678901234567890123"
BODY = (
    b'{"id":"chatcmpl-%d","object":"chat.completion","created":1,"model":"intent","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"refund"},"finish_reason":"stop"}],"vendor":{"n":' + BIG + b"}}"
)
MESSAGES = b"""{"model": "intent", "messages": [
  {"role": "system", "content": "Classify."},
  {"role": "user", "content": [{"type": "text", "text": "hi"}, {"type": "image_url", "image_url": {"url": "u"}}]},
  {"role": "assistant", "content": null, "tool_calls": [{"id": "c", "type": "function", "n": 1e400}]},
  {"role": "tool", "name": "look", "tool_call_id": "c", "content": "x"}, {"role": "user"}
]}"""


def _completion(number, *, owner="", task="intent", **metadata):
    return StoredCompletion(
        id=f"chatcmpl-{number}",
        owner=owner,
        task=task,
        model=task,
        at=100.0 + number,
        metadata=metadata,
        request=MESSAGES,
        body=BODY % number,
    )


class Shelf:
    """The endpoints over a store, asked as the holder of a key, or of none."""

    def __init__(self, store, **arguments):
        app = Starlette(routes=stored_completions(store, **arguments), exception_handlers=HANDLERS)
        self.owner = ""

        async def keyed(scope, receive, send):
            if self.owner:
                scope[SCOPE_KEY] = ClientKey(id=self.owner, name="n", sha256="", created_at=0.0)
            await app(scope, receive, send)

        self.app = keyed
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(keyed), base_url="http://gateway")
        self.sdk = openai.AsyncOpenAI(
            base_url="http://gateway/v1", api_key="k", http_client=self.http, max_retries=0
        ).chat.completions


@pytest.fixture
async def store(tmp_path):
    """An open, empty store."""
    opened = SqliteStore(tmp_path / "p.db")
    await opened.start()
    yield opened
    await opened.aclose()


@pytest.fixture
async def shelf(store):
    """The endpoints on that store."""
    made = Shelf(store)
    yield made
    await made.http.aclose()


async def test_the_sdk_lists_in_both_orders(shelf, store):
    """The SDK follows the pages by itself, and gets every completion once, oldest first unless asked otherwise."""
    await store.put_completions([_completion(number) for number in range(7)])
    for order, numbers in (("asc", range(7)), ("desc", range(6, -1, -1))):
        found = [one.id async for one in shelf.sdk.list(order=order, limit=3)]
        assert found == [f"chatcmpl-{number}" for number in numbers]
    page = await shelf.sdk.list(limit=7)
    assert (page.has_more, page.data[0].choices[0].message.content) == (False, "refund")
    raw = (await shelf.http.get(PATH, params={"limit": 3, "after": "chatcmpl-1"})).json()
    head = {name: raw[name] for name in raw if name != "data"}
    assert head == {"object": "list", "first_id": "chatcmpl-2", "last_id": "chatcmpl-4", "has_more": True}
    assert len((await shelf.http.get(PATH)).json()["data"]) == 7


async def test_the_default_page_has_twenty(shelf, store):
    """As the API reference says."""
    await store.put_completions([_completion(number) for number in range(21)])
    page = (await shelf.http.get(PATH)).json()
    assert (len(page["data"]), page["has_more"]) == (20, True)


async def test_the_sdk_filters(shelf, store):
    """By model and by several pairs of metadata, in the form in which the SDK writes them."""
    await store.put_completions(
        [_completion(1, team="a", env="live"), _completion(2, team="a"), _completion(3, task="other", team="a")]
    )

    async def found(**filters):
        return [one.id async for one in shelf.sdk.list(limit=1, **filters)]

    assert await found(metadata={"team": "a"}) == ["chatcmpl-1", "chatcmpl-2", "chatcmpl-3"]
    assert await found(metadata={"team": "a", "env": "live"}) == ["chatcmpl-1"]
    assert await found(metadata={"team": "a"}, model="other") == ["chatcmpl-3"]
    assert await found(metadata={"team": "b"}) == []
    assert await found(model="intent", order="desc") == ["chatcmpl-2", "chatcmpl-1"]


async def test_the_sdk_updates_retrieves_and_deletes(shelf, store):
    """Metadata are replaced whole, null takes them away, and what is deleted is not found again."""
    await store.put_completions([_completion(1, old="x")])
    updated = await shelf.sdk.update("chatcmpl-1", metadata={"new": "y"})
    assert updated.metadata == {"new": "y"}
    assert (await shelf.sdk.retrieve("chatcmpl-1")).metadata == {"new": "y"}
    assert (await shelf.sdk.update("chatcmpl-1", metadata=None)).metadata == {}
    deleted = await shelf.sdk.delete("chatcmpl-1")
    assert deleted.model_dump() == {"id": "chatcmpl-1", "deleted": True, "object": "chat.completion.deleted"}
    for call in (
        shelf.sdk.retrieve("chatcmpl-1"),
        shelf.sdk.delete("chatcmpl-1"),
        shelf.sdk.update("chatcmpl-1", metadata={}),
    ):
        with pytest.raises(openai.NotFoundError, match="chatcmpl-1"):
            await call
    with pytest.raises(openai.NotFoundError):
        await shelf.sdk.messages.list("chatcmpl-1")


async def test_a_body_is_given_back_to_the_byte(shelf, store):
    """Vendor fields, spacing inside values and integers beyond 2^53 are what they were."""
    await store.put_completions([_completion(1, a="b")])
    expected = (BODY % 1)[:-1] + b',"metadata":{"a":"b"}}'
    assert (await shelf.http.get(f"{PATH}/chatcmpl-1")).content == expected
    assert expected in (await shelf.http.get(PATH)).content


async def test_the_sdk_lists_the_messages(shelf, store):
    """The messages asked, each with an id; a content in parts stands in `content_parts`, any other field as it was."""
    await store.put_completions([_completion(1)])
    found = [one async for one in shelf.sdk.messages.list("chatcmpl-1", limit=2)]
    assert [one.id for one in found] == [f"chatcmpl-1-{number}" for number in range(5)]
    assert [one.content for one in found] == ["Classify.", None, None, "x", None]
    assert [part.type for part in found[1].content_parts] == ["text", "image_url"]
    assert [one.content_parts for one in found if one is not found[1]] == [None] * 4
    backwards = [one.id async for one in shelf.sdk.messages.list("chatcmpl-1", limit=2, order="desc")]
    assert backwards == [one.id for one in found][::-1]
    raw = await shelf.http.get(f"{PATH}/chatcmpl-1/messages", params={"after": "chatcmpl-1-1", "limit": 2})
    assert b'"n": 1e400' in raw.content
    assert (b'"name":null' in raw.content, b'"name":"look"' in raw.content) == (True, True)
    assert b'"first_id":"chatcmpl-1-2","last_id":"chatcmpl-1-3","has_more":true' in raw.content


async def test_everybody_sees_their_own_only(shelf, store):
    """What another key stored is 404, cannot be listed, changed or deleted, and keys do not see what none stored."""
    await store.put_completions([_completion(1, owner="key-1"), _completion(2)])
    shelf.owner = "key-1"
    assert [one.id async for one in shelf.sdk.list()] == ["chatcmpl-1"]
    assert (await shelf.sdk.retrieve("chatcmpl-1")).id == "chatcmpl-1"
    shelf.owner = "key-2"
    assert [one async for one in shelf.sdk.list()] == []
    for method, path, body in (
        ("GET", "", None),
        ("GET", "/messages", None),
        ("DELETE", "", None),
        ("POST", "", {"metadata": {}}),
    ):
        assert (await shelf.http.request(method, f"{PATH}/chatcmpl-1{path}", json=body)).status_code == 404
    assert (await shelf.http.get(PATH, params={"after": "chatcmpl-1"})).status_code == 400
    shelf.owner = ""
    assert [one.id async for one in shelf.sdk.list()] == ["chatcmpl-2"]


@pytest.mark.parametrize(
    ("query", "param"),
    [("limit=101", "limit"), ("order=up", "order"), ("after=unknown", "after"), ("page=2", "page")],
)
@pytest.mark.parametrize("path", ["", "/chatcmpl-1/messages"])
async def test_a_bad_query_is_400(shelf, store, path, query, param):
    """In OpenAI's shape, with the parameter named."""
    await store.put_completions([_completion(1)])
    reply = await shelf.http.get(f"{PATH}{path}?{query}")
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == param


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        (b"", "invalid_json", None),
        (b"{", "invalid_json", None),
        (b"[]", "invalid_type", None),
        (b"{}", "invalid_type", None),
        (b'{"metadata": {"a": 1}}', "invalid_type", "metadata[...]"),
        (b'{"metadata": {"a": null}}', "invalid_type", "metadata[...]"),
        (b'{"metadata": {}, "model": "x"}', "invalid_type", None),
        (b'{"metadata": {"a": "\xff"}}', "invalid_json", None),
        (b'{"metadata": {"a": "\\ud800"}}', "invalid_json", None),
        (b"[" * 100_000, "invalid_type", None),
        (b'{"metadata": {"a": "' + b"x" * 513 + b'"}}', "string_above_max_length", "metadata"),
    ],
)
async def test_a_bad_update_is_400_and_changes_nothing(shelf, store, body, code, param):
    """Whatever is wrong with the body, the answer says it in OpenAI's shape."""
    await store.put_completions([_completion(1, a="b")])
    reply = await shelf.http.post(f"{PATH}/chatcmpl-1", content=body)
    assert reply.status_code == 400
    assert (reply.json()["error"]["code"], reply.json()["error"]["param"]) == (code, param)
    assert (await shelf.sdk.retrieve("chatcmpl-1")).metadata == {"a": "b"}


CALLS = (
    ("GET", PATH),
    ("GET", f"{PATH}?after=x"),
    ("GET", f"{PATH}/x"),
    ("POST", f"{PATH}/x"),
    ("DELETE", f"{PATH}/x"),
    ("GET", f"{PATH}/x/messages"),
)


class Broken:
    """A store of which nothing can be had."""

    def __getattr__(self, name):
        async def fail(*_, **__):
            raise StoreError("the disk at /secret/path is full")

        return fail


class Stalled:
    """A store that never answers."""

    def __getattr__(self, name):
        async def wait(*_, **__):
            await asyncio.Event().wait()

        return wait


@pytest.mark.parametrize("store_class", [Broken, Stalled])
@pytest.mark.parametrize(("method", "url"), CALLS)
async def test_a_store_that_cannot_be_used_is_503(method, url, store_class):
    """With retry-after, so that the SDK tries again, and with nothing of the operator's in the text."""
    shelf = Shelf(store_class(), timeout_s=0.01)
    reply = await shelf.http.request(method, url, json={"metadata": {}} if method == "POST" else None)
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")
    assert reply.headers["content-type"] == "application/json"
    assert reply.json()["error"]["code"] == "store_unavailable"
    assert "secret" not in reply.text
    await shelf.http.aclose()


async def test_a_client_that_leaves_within_its_update_is_no_failure(shelf, kit):
    """Nothing is raised that the log would call a failure of the gateway."""
    gone = asyncio.Event()
    gone.set()
    reply = await kit.drive(shelf.app, [], path=f"{PATH}/chatcmpl-1", method="POST", leave=gone)
    assert reply.status == 400
