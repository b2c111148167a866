from __future__ import annotations

import asyncio
import socket

import pytest

from adapters.upstreams.openai_http import OpenAIUpstream
from domain.errors import ConfigError, UpstreamError
from domain.settings import UpstreamSettings
from tests.unit.adapters.raw_server import Conversation, RawServer, Received, always, answer


async def received(api_key: str, headers: list[tuple[bytes, bytes]]) -> Received:
    """What a server hears of one call."""
    heard: list[Received] = []

    async def handler(conversation: Conversation) -> None:
        heard.append(await conversation.request())
        await conversation.send(answer(b"{}"))

    async with RawServer(handler) as server:
        upstream = OpenAIUpstream(UpstreamSettings(base_url=server.url, api_key=api_key), name="x")
        await upstream.complete("/chat/completions", b'{"model": "m"}', headers=headers)
        await upstream.aclose()
    return heard[0]


@pytest.mark.parametrize(
    ("api_key", "sent"),
    [("sk-ours", ["Bearer sk-ours"]), ("sk-ours\n", ["Bearer sk-ours"]), ("", [])],
    ids=["a key", "a key from a file", "no key"],
)
async def test_our_key_and_never_the_callers_is_sent(api_key: str, sent: list[str]) -> None:
    """The caller's authorization is for the gateway; the upstream gets ours, or none."""
    heard = await received(api_key, [(b"authorization", b"Bearer callers"), (b"traceparent", b"00-1")])
    assert heard.header("authorization") == sent
    assert heard.header("traceparent") == ["00-1"]


async def test_a_call_is_json_to_the_path_under_the_base_url() -> None:
    """`base_url` and path make the target; the body goes out untouched."""
    heard = await received("", [])
    assert heard.first_line == "POST /v1/chat/completions HTTP/1.1"
    assert heard.header("content-type") == ["application/json"]
    assert heard.body == b'{"model": "m"}'


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        (UpstreamSettings(base_url="http://"), "upstreams.x.base_url"),
        (UpstreamSettings(base_url="http://h:0x50/"), "upstreams.x.base_url"),
        (UpstreamSettings(base_url="http://h", api_key="a\r\nx-evil: 1"), "upstreams.x.api_key"),
    ],
)
def test_settings_that_cannot_work_are_refused_at_once(settings: UpstreamSettings, path: str) -> None:
    """A bad URL or key is a configuration error with its key's path, not a failure of the first request."""
    with pytest.raises(ConfigError) as caught:
        OpenAIUpstream(settings, name="x")
    assert caught.value.path == path
    assert "evil" not in str(caught.value)


async def test_errors_name_the_upstream_and_hold_no_key() -> None:
    """An error may be shown to anybody: it says which upstream, and nothing secret."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    upstream = OpenAIUpstream(UpstreamSettings(base_url=f"http://127.0.0.1:{port}", api_key="sk-ours"), name="x")
    with pytest.raises(UpstreamError, match="upstream x cannot be reached") as caught:
        await upstream.complete("/chat/completions", b"{}")
    assert "sk-ours" not in str(caught.value)


def test_building_one_needs_no_loop_and_opens_nothing() -> None:
    """The constructor has no side effects: it works before there is an event loop."""
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()
    OpenAIUpstream(UpstreamSettings(base_url="https://no-such-host.invalid/v1"), name="x")


async def test_stream_gives_the_head_and_the_pieces() -> None:
    """A streamed call has the same status and bytes as a whole one."""
    async with RawServer(always(answer(b"hello", status="429 Too Many Requests"))) as server:
        upstream = OpenAIUpstream(UpstreamSettings(base_url=server.url), name="x")
        stream = await upstream.stream("/chat/completions", b"{}")
        assert (stream.status, b"".join([piece async for piece in stream])) == (429, b"hello")
        await stream.aclose()
