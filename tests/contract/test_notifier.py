from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from adapters.notifiers.webhook import WebhookNotifier
from domain.settings import NotifierSettings
from tests.contract.check_notifier import CHECKS, Receive, Receiver
from tests.unit.adapters.raw_server import Conversation, RawServer, answer


class Hook:
    """A webhook receiver on a socket."""

    notifier: WebhookNotifier

    def __init__(self, accepts: Sequence[bool]) -> None:
        self.heard: list[str] = []
        self._accepts = iter(accepts)

    async def handler(self, conversation: Conversation) -> None:
        """Answer one connection."""
        while True:
            self.heard.append(json.loads((await conversation.request()).body)["id"])
            status = "204 No Content" if next(self._accepts) else "503 Service Unavailable"
            await conversation.send(answer(b"", status=status))


@asynccontextmanager
async def webhook(accepts: Sequence[bool]) -> AsyncIterator[Receiver]:
    """`WebhookNotifier` over a real socket."""
    hook = Hook(accepts)
    async with RawServer(hook.handler) as server:
        hook.notifier = WebhookNotifier(NotifierSettings(webhook=server.url, secret="s3cret"), name="ops")
        yield hook
        await hook.notifier.aclose()


@pytest.mark.parametrize("receive", [webhook], ids=lambda receive: receive.__name__)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_every_notifier_keeps_to_the_port(check: Callable[[Receive], Awaitable[None]], receive: Receive) -> None:
    """Each check of the contract holds for each notifier."""
    await check(receive)
