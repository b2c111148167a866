from __future__ import annotations

import msgspec
import pytest

from adapters.http.client import HttpClient
from adapters.notifiers.webhook import SIGNATURE_HEADER, sign
from cli.demo.webhook import WebhookReceiver
from cli.supervisor import bind


@pytest.fixture
async def receiver():
    """A running receiver with its port."""
    listener = bind("127.0.0.1", 0, key="test")
    made = WebhookReceiver(listener, secret="s")
    port = listener.getsockname()[1]
    made.start()
    yield made, port
    await made.aclose()


async def test_only_signed_events_count_and_only_once(receiver):
    """A wrong signature must be refused, and a second delivery of an id must change nothing."""
    made, port = receiver
    client = HttpClient(f"http://127.0.0.1:{port}/hook", peer="hook", timeout_s=5, connect_timeout_s=5)
    body = msgspec.json.encode({"id": "signal-1"})
    good = [(SIGNATURE_HEADER.encode(), sign(body, "s").encode())]
    bad = [(SIGNATURE_HEADER.encode(), sign(body, "other").encode())]
    statuses = [(await client.post("", body, headers=headers)).status for headers in (bad, [], good, good)]
    await client.aclose()
    assert statuses == [401, 401, 204, 204]
    assert [event["id"] for event in made.received] == ["signal-1"]
    assert made.refused == 2
