from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path
from typing import Any

import pytest
import uvloop

from adapters.upstreams.openai_http import OpenAIUpstream
from domain.errors import ConfigError, UpstreamError, UpstreamFailure
from domain.settings import UpstreamSettings
from tests.unit.adapters.authority import Authority
from tests.unit.adapters.raw_server import Conversation, RawServer, Received, always, answer, chunked


def upstream(url: str, **settings: Any) -> OpenAIUpstream:
    """An upstream with one server."""
    return OpenAIUpstream(UpstreamSettings(base_url=url, **settings), name="x")


def sockets() -> int:
    """How many files and sockets this process has open."""
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a count, not paths


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


async def test_a_replica_is_asked_at_its_own_url_and_named_in_errors() -> None:
    """Each replica has its address in its errors, without what else its URL holds; one alone has only the name."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        dead = f"127.0.0.1:{probe.getsockname()[1]}"
    async with RawServer(always(answer(b"{}"))) as server:
        settings = UpstreamSettings(base_url=server.url, replicas=(f"http://me:secret@{dead}/v1?key=secret",))
        first, second = (OpenAIUpstream(settings, name="x", base_url=url) for url in ("", *settings.replicas))
        assert (await first.complete("/x", b"{}")).status == 200
        await first.aclose()
    with pytest.raises(UpstreamError, match=f"upstream x at {dead} cannot be reached") as caught:
        await second.complete("/x", b"{}")
    assert "secret" not in str(caught.value)


def test_a_bad_replica_is_refused_with_its_key() -> None:
    """The configuration error points at the list of replicas, not at the base URL."""
    settings = UpstreamSettings(base_url="http://a/v1", replicas=("http://",))
    with pytest.raises(ConfigError) as caught:
        OpenAIUpstream(settings, name="x", base_url="http://")
    assert caught.value.path == "upstreams.x.replicas"


async def test_ca_file_is_whom_the_upstream_trusts(tmp_path: Path) -> None:
    """A relative file starts from the folder of the configuration; without it the server is not trusted."""
    authority = Authority(tmp_path / "tls")
    async with RawServer(always(answer(b"{}")), tls=authority.server()) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        trusting = OpenAIUpstream(UpstreamSettings(base_url=url, ca_file="tls/ca.pem"), name="x", root=tmp_path)
        assert (await trusting.complete("/x", b"{}")).status == 200
        await trusting.aclose()
        with pytest.raises(UpstreamError, match="certificate"):
            await upstream(url).complete("/x", b"{}")


@pytest.mark.parametrize(
    ("text", "problem"), [(None, "cannot read .*: No such file"), ("", "holds no certificate in PEM; give")]
)
def test_a_ca_file_that_cannot_be_used_is_refused_at_once(tmp_path: Path, text: str | None, problem: str) -> None:
    """A missing or wrong file is a configuration error with its path and its key's path."""
    path = tmp_path / "ca.pem"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=problem) as caught:
        OpenAIUpstream(UpstreamSettings(base_url="https://a/v1", ca_file="ca.pem"), name="x", root=tmp_path)
    assert caught.value.path == "upstreams.x.ca_file"
    assert str(path) in str(caught.value)


async def test_a_stale_connection_is_an_error_when_asking_twice_is_forbidden() -> None:
    """With `retry_stale` off a model is never asked twice for one call; the next call works."""
    asked: list[int] = []

    async def handler(conversation: Conversation) -> None:
        for _ in range(2 - conversation.number):
            await conversation.request()
            asked.append(conversation.number)
            if len(asked) != 2:
                await conversation.send(answer(b"x"))

    async with RawServer(handler) as server:
        http = upstream(server.url, retry_stale=False)
        await http.complete("/x", b"")
        with pytest.raises(UpstreamError) as caught:
            await http.complete("/x", b"")
        assert (caught.value.kind, asked) == (UpstreamFailure.DISCONNECT, [0, 0])
        assert (await http.complete("/x", b"")).body == b"x"
        await http.aclose()


@pytest.mark.slow
@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("after_ms", [0, 1, 3])
def test_a_server_that_closes_idle_connections_fails_no_request(loop: type, after_ms: int) -> None:
    """150 requests, each sent about when the server closes the connection it finds idle: none fails."""

    async def handler(conversation: Conversation) -> None:
        while True:
            await conversation.request()
            await conversation.send(answer(b"x"))
            asyncio.get_running_loop().call_later(after_ms / 1000, conversation.close)

    async def run() -> int:
        async with RawServer(handler) as server:
            http = upstream(server.url)
            failures = 0
            for number in range(150):
                try:
                    await http.complete("/x", b"{}")
                except UpstreamError:
                    failures += 1
                await asyncio.sleep(number % 5 * after_ms / 4000)  # the race needs real time
            await http.aclose()
            await server.open_is(0)
            return failures

    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(run()) == 0


async def test_calls_that_are_cancelled_at_any_moment_leave_no_socket_open() -> None:
    """Whether it connects, sends, waits or reads: a cancelled call closes its connection at once."""
    before = sockets()
    async with RawServer(always(chunked(bytes(1 << 20))[:-5])) as server:
        http = upstream(server.url)
        for turns in range(30):
            calling = asyncio.ensure_future(http.complete("/x", b"{}"))
            for _ in range(turns):
                await asyncio.sleep(0)
            calling.cancel()
            await asyncio.gather(calling, return_exceptions=True)
            assert calling.cancelled()
        await server.open_is(0)
        await http.aclose()
    async with asyncio.timeout(5):
        while sockets() != before:  # those of the server close a turn of the loop later
            await asyncio.sleep(0)
