from __future__ import annotations

import asyncio
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import uvloop

from adapters.http import tls
from adapters.http.client import HttpClient
from domain.errors import UpstreamError, UpstreamFailure
from tests.unit.adapters.authority import Authority
from tests.unit.adapters.raw_server import Conversation, RawServer, always, answer, chunked


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Who vouches for the servers of a test."""
    return Authority(tmp_path / "trusted")


def client(server: RawServer, *, trusts: Path | None, host: str = "localhost") -> HttpClient:
    """A client of the server under the name `host` that trusts one file, or the system."""
    return HttpClient(
        server.url.replace("127.0.0.1", host),
        peer="upstream x",
        timeout_s=5.0,
        connect_timeout_s=5.0,
        authorities=tls.read_authorities(trusts) if trusts else "",
    )


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_a_server_that_proves_its_name_is_asked(authority: Authority, loop: type) -> None:
    """A certificate of a trusted authority for the very host is accepted, and the server hears which host was meant."""
    names: list[str | None] = []
    context = authority.server()
    context.sni_callback = lambda _socket, name, _context: names.append(name)

    async def run() -> None:
        async with RawServer(always(answer(b"secret")), tls=context) as server:
            http = client(server, trusts=authority.certificate)
            assert (await http.post("/x", b"")).body == b"secret"
            assert names == ["localhost"]
            await http.aclose()
            await server.open_is(0)

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(run())


@pytest.mark.parametrize(
    ("host", "issuer"),
    [("localhost", "other"), ("localhost", "system"), ("127.0.0.1", "trusted"), ("wrong", "trusted")],
    ids=["unknown authority", "not of the system", "an address it has no name for", "another name"],
)
async def test_a_server_that_cannot_prove_its_name_hears_nothing(
    authority: Authority, tmp_path: Path, host: str, issuer: str
) -> None:
    """Without a trusted certificate for the very host the error names the certificate, and no request goes out."""
    asked = []

    async def handler(conversation: Conversation) -> None:
        asked.append(await conversation.request())

    context = authority.server("elsewhere.invalid" if host == "wrong" else "localhost")
    trusted = {"other": Authority(tmp_path / "other", name="other").certificate, "system": None}
    async with RawServer(handler, tls=context) as server:
        http = client(
            server, trusts=trusted.get(issuer, authority.certificate), host=host.replace("wrong", "localhost")
        )
        with pytest.raises(UpstreamError, match="certificate") as caught:
            await http.post("/x", b"")
        await server.open_is(0)
    assert caught.value.kind is UpstreamFailure.CONNECT
    assert asked == []


async def test_a_connection_is_kept_over_tls(authority: Authority) -> None:
    """Ten requests, whole and streamed, need one handshake."""
    async with RawServer(always(chunked(b"a" * 40_000, b"b" * 40_000)), tls=authority.server()) as server:
        http = client(server, trusts=authority.certificate)
        for _ in range(5):
            assert len((await http.post("/x", b"y" * 100_000)).body) == 80_000
            stream = await http.open("/x", b"")
            assert sum([len(piece) async for piece in stream]) == 80_000
        assert server.connections == 1
        await http.aclose()
        await server.open_is(0)


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_stale_connection_is_no_error_over_tls(authority: Authority, how: str) -> None:
    """A server that closes a kept connection at our next request, with or without a goodbye, is asked again."""
    asked: list[int] = []

    async def handler(conversation: Conversation) -> None:
        await conversation.request()
        asked.append(conversation.number)
        await conversation.send(answer(b"x"))
        await conversation.request()
        asked.append(conversation.number)
        getattr(conversation, how)()

    async with RawServer(handler, tls=authority.server()) as server:
        http = client(server, trusts=authority.certificate)
        for _ in range(2):
            assert (await http.post("/x", b"")).body == b"x"
        assert asked == [0, 0, 1]
        await http.aclose()


def test_the_context_of_an_authority_is_built_once(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many first calls at once share one context; it always verifies certificate and name."""
    built: list[str | None] = []
    real = ssl.create_default_context

    def counted(*, cadata: str | None) -> ssl.SSLContext:
        built.append(cadata)
        return real(cadata=cadata)

    monkeypatch.setattr(ssl, "create_default_context", counted)
    pem = authority.certificate.read_text().strip()
    with ThreadPoolExecutor(8) as threads:
        contexts = set(threads.map(tls.client_context, [pem] * 32))
    (context,) = contexts
    assert built == [pem]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


async def test_authorities_are_never_read_on_the_event_loop(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's authorities take 20 ms to read; the streams of others go on meanwhile."""
    threads: list[threading.Thread] = []
    real = tls.client_context

    def observed(authorities: str) -> ssl.SSLContext:
        threads.append(threading.current_thread())
        return real(authorities)

    async with RawServer(always(answer(b"x")), tls=authority.server()) as server:
        http = client(server, trusts=authority.certificate)
        monkeypatch.setattr(tls, "client_context", observed)
        await http.post("/x", b"")
        await http.aclose()
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()


def test_a_file_of_authorities_may_hold_more_than_them(authority: Authority, tmp_path: Path) -> None:
    """Comments in any language and what else stands in a bundle do not matter; every certificate counts."""
    other = Authority(tmp_path / "other", name="other").certificate.read_text()
    bundle = tmp_path / "bundle.pem"
    bundle.write_text(f"# émis par nous\n{authority.certificate.read_text()}\nSubject: other\n{other}", "utf-8")
    assert len(tls.client_context(tls.read_authorities(bundle)).get_ca_certs()) == 2


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no certificate"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no certificate"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "damaged certificate"),
    ],
)
def test_a_file_without_a_usable_certificate_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    """A wrong file is found when it is read, not at the first request."""
    path = tmp_path / "ca.pem"
    path.write_text(text)
    with pytest.raises(ValueError, match=problem):
        tls.read_authorities(path)
