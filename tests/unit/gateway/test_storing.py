"""Answers with `store: true` are kept as the client got them."""

from __future__ import annotations

import json

import pytest


@pytest.mark.parametrize("policies", [(), ("label",)])
@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_is_stored_as_the_client_got_it(kit, stream, policies):
    """Whole, held or live: the stored completion has the same text under the same id, with the client's metadata."""
    script = kit.stream(("ref", "und")) if stream else kit.answer("refund")
    async with kit.Gateway(student=[script], policies=kit.checks(output=policies)) as gateway:
        await gateway.chat(stream=stream, store=True, metadata={"team": "a"})
        await kit.until(lambda: gateway.store.stored)
    (stored,) = gateway.store.stored
    body = json.loads(stored.body)
    assert (stored.id, body["id"], body["object"]) == ("up-1", "up-1", "chat.completion")
    assert body["choices"][0]["message"]["content"] == "refund"
    assert (stored.metadata, stored.task, stored.owner) == ({"team": "a"}, "intent", "")
    assert json.loads(stored.request)["store"] is True


@pytest.mark.parametrize(
    ("script", "fields"),
    [
        ("answer", {}),
        ("answer", {"store": False}),
        ("failure", {"store": True}),
        ("cut", {"store": True, "stream": True}),
    ],
)
async def test_nothing_else_is_stored(kit, script, fields):
    """Without the wish, after a failure, or after a cut there is nothing to get later."""
    scripts = {
        "answer": kit.answer("refund"),
        "failure": kit.failure(400),
        "cut": kit.stream(("ref",), done=False),
    }
    async with kit.Gateway(student=[scripts[script]], policies=kit.checks(), fallback="block") as gateway:
        await gateway.chat(**fields)
        await gateway.journalled()
    assert not gateway.store.stored
