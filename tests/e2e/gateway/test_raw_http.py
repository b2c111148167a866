"""Raw HTTP against the real gateway: what comes back, whether the connection stays, and what the model was asked."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
import struct
import subprocess

import pytest

from domain import config
from gateway import server
from gateway.app import build

pytestmark = pytest.mark.slow  # a gateway on a socket, and real clients

CHAT = b"/v1/chat/completions"
MESSAGES = [{"role": "user", "content": "say hello"}]
ASK = json.dumps({"model": "open", "messages": MESSAGES}).encode()
HEALTH = b"GET /healthz HTTP/1.1\r\nhost: h\r\n\r\n"
H2C = (b"connection: Upgrade, HTTP2-Settings", b"upgrade: h2c", b"http2-settings: AAMAAABkAAQAAP__")
CHUNKED = b"transfer-encoding: chunked"
SPLIT = b"%x;note=1\r\n%b\r\n%x\r\n%b\r\n0\r\nx-trailer: 1\r\nupgrade: h2c\r\n\r\n" % (
    5,
    ASK[:5],
    len(ASK) - 5,
    ASK[5:],
)


def request(*lines, method=b"POST", path=CHAT, body=ASK, length=True, version=b"HTTP/1.1"):
    """A request as bytes; JSON unless `lines` say otherwise."""
    lines = (b"host: gateway", *lines)
    if not any(line.lower().startswith(b"content-type") for line in lines):
        lines += (b"content-type: application/json",)
    if length and CHUNKED not in lines and body:
        lines += (b"content-length: %d" % len(body),)
    return b"\r\n".join((b"%b %b %b" % (method, path, version), *lines, b"", body))


def bare(method, path):
    """A request without a body."""
    return request(method=method, path=path, body=b"")


class Answer:
    """What came back."""

    def __init__(self, head, body) -> None:
        lines = head.split(b"\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = {name.lower(): value for name, _, value in (line.decode().partition(": ") for line in lines[1:])}
        self.body = body

    @property
    def error(self):
        """The fields of OpenAI's error object."""
        assert self.headers["content-type"] == "application/json"
        return json.loads(self.body)["error"]

    @property
    def text(self):
        """What the model said."""
        return json.loads(self.body)["choices"][0]["message"]["content"]


class Wire:
    """A connection to the gateway."""

    def __init__(self, reader, writer) -> None:
        self.reader, self.writer = reader, writer

    async def answer(self, *, head_only=False):
        """The next answer."""
        head = (await self.reader.readuntil(b"\r\n\r\n"))[:-4]
        found = Answer(head, b"")
        if found.status == 100 or head_only:
            return found
        if found.headers.get("transfer-encoding") == "chunked":
            while size := int(await self.reader.readline(), 16):
                found.body += (await self.reader.readexactly(size + 2))[:-2]
            await self.reader.readexactly(2)
        elif "content-length" in found.headers:
            found.body = await self.reader.readexactly(int(found.headers["content-length"]))
        else:
            found.body = await self.reader.read()
        return found

    async def is_open(self):
        """Whether the connection takes another request."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            self.writer.write(HEALTH)
            return (await self.answer()).body == b"ok\n"
        return False


@contextlib.asynccontextmanager
async def connected(world):
    """A connection, closed at the end; nothing may take longer than 20 s."""
    host, port = world.url.removeprefix("http://").removesuffix("/v1").split(":")
    async with asyncio.timeout(20):
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            yield Wire(reader, writer)
        finally:
            writer.close()


async def ask(world, *pieces, head_only=False):
    """The answer to some bytes, and whether the connection stayed open."""
    async with connected(world) as wire:
        for piece in pieces:
            wire.writer.write(piece)
            await wire.writer.drain()
            await asyncio.sleep(0)
        answer = await wire.answer(head_only=head_only)
        return answer, await wire.is_open()


def told(*, stream=False):
    """What a model must have been asked, once."""
    asked = {"model": "small-v1", "messages": MESSAGES}
    return [asked | {"stream": True} if stream else asked]


SERVED = {
    "plain": [request()],
    "h2c": [request(*H2C)],
    "h2c without settings": [request(b"connection: upgrade", b"Upgrade: h2c")],
    "h2c in two pieces": [request(*H2C)[:120], request(*H2C)[120:]],
    "h2c byte by byte": [bytes([byte]) for byte in request(*H2C)],
    "h2c and chunked": [request(*H2C, CHUNKED, body=SPLIT)],
    "h2c, and the body later": [request(*H2C)[: -len(ASK)], ASK[:9], ASK[9:]],
    "websocket": [request(b"connection: Upgrade", b"upgrade: websocket", b"sec-websocket-key: x")],
    "another protocol": [request(b"connection: Upgrade", b"upgrade: TLS/1.3, foo/2")],
    "an upgrade that the connection does not name": [request(b"upgrade: h2c")],
    "byte by byte": [bytes([byte]) for byte in request()],
    "chunked, with extensions and trailers": [request(CHUNKED, body=SPLIT)],
    "chunked byte by byte": [bytes([byte]) for byte in request(CHUNKED, body=SPLIT)],
    "absolute form": [request(path=b"http://gateway" + CHAT)],
    "percent-encoded": [request(path=b"/v1/ch%61t/completions")],
    "with a query": [request(path=CHAT + b"?api-version=1")],
    "empty lines first": [b"\r\n\r\n" + request()],
    "a charset": [request(b"content-type: application/json; charset=utf-8")],
    "no content type": [request().replace(b"content-type: application/json\r\n", b"")],
    "method override is no method": [request(b"x-http-method-override: GET")],
}


async def test_what_is_served_whatever_its_bytes_look_like(world):
    """The answer is 200, the connection stays open, and the model gets the request exactly once, as it was."""
    failed = {}
    for name, pieces in SERVED.items():
        world.student.requests.clear()
        answer, is_open = await ask(world, *pieces)
        found = (answer.status, answer.body and answer.text, is_open, world.student.requests)
        if found != (200, "hello", True, told()):
            failed[name] = found
    assert failed == {}
    assert "upgrade" not in " ".join(name for headers in world.student.headers for name in headers)


OPEN, SHUT = True, False
REFUSED = {
    # the body
    "no body": (bare(b"POST", CHAT), 400, OPEN),
    "empty body": (request(b"content-length: 0", body=b""), 400, OPEN),
    "invalid JSON": (request(body=b'{"model":"open",'), 400, OPEN),
    "two values": (request(body=ASK + b"{}"), 400, OPEN),
    "NaN": (request(body=ASK[:-1] + b',"temperature":NaN}'), 400, OPEN),
    "Infinity": (request(body=ASK[:-1] + b',"x":-Infinity}'), 400, OPEN),
    "invalid UTF-8": (request(body=ASK.replace(b"hello", b"\xff\xfe")), 400, OPEN),
    "invalid UTF-8 in a field that is only passed on": (request(body=ASK[:-1] + b',"x":"\xff"}'), 400, OPEN),
    "a list": (request(body=b"[]"), 400, OPEN),
    "a string": (request(body=b'"open"'), 400, OPEN),
    "null": (request(body=b"null"), 400, OPEN),
    "10,000 deep": (request(body=ASK[:-1] + b',"x":' + b"[" * 10_000 + b"]" * 10_000 + b"}"), 400, OPEN),
    "10,000 deep and unclosed": (request(body=b'{"a":' * 10_000), 400, OPEN),
    "plain text": (request(b"content-type: text/plain"), 415, OPEN),
    "curl without a header": (request(b"content-type: application/x-www-form-urlencoded"), 415, OPEN),
    "multipart": (request(b"content-type: multipart/form-data; boundary=x"), 415, OPEN),
    "gzip": (request(b"content-encoding: gzip"), 415, OPEN),
    "too large by its length": (request(body=b"a" * 150_000), 413, SHUT),
    "too large in chunks": (request(CHUNKED, body=b"24000\r\n" + b"a" * 0x24000 + b"\r\n0\r\n\r\n"), 413, SHUT),
    "too large, and never sent": (request(b"content-length: 99999999999", body=b"", length=False), 413, SHUT),
    # the path and the method
    "GET without stored completions to list": (bare(b"PUT", CHAT), 405, OPEN),
    "DELETE": (bare(b"DELETE", CHAT), 405, OPEN),
    "OPTIONS": (bare(b"OPTIONS", CHAT), 405, OPEN),
    "wrong method elsewhere": (request(path=b"/v1/models"), 405, OPEN),
    "unknown path": (request(path=b"/v1/nothing"), 404, OPEN),
    "two slashes": (request(path=b"/" + CHAT), 404, OPEN),
    "websocket elsewhere": (
        request(b"connection: Upgrade", b"upgrade: websocket", method=b"GET", path=b"/v1/realtime", body=b""),
        404,
        OPEN,
    ),
    "asterisk": (bare(b"OPTIONS", b"*"), 404, OPEN),
    "an encoded zero byte": (bare(b"GET", b"/v1/%00"), 404, OPEN),
    "CONNECT": (bare(b"CONNECT", b"gateway:443"), 405, SHUT),
    "an unknown method": (bare(b"BREW", CHAT), 405, SHUT),
    "a method in lower case": (bare(b"post", CHAT), 405, SHUT),
    # the protocol
    "no HTTP": (b"hello there\r\n\r\n", 405, SHUT),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(50), 400, SHUT),
    "a preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, SHUT),
    "HTTP/2 in the request line": (request(version=b"HTTP/2.0"), 505, SHUT),
    "HTTP/0.9": (b"GET /healthz\r\n\r\n", 505, SHUT),
    "HTTP/1.2": (request(version=b"HTTP/1.2"), 400, SHUT),
    "two lengths": (request(b"content-length: 3"), 400, SHUT),
    "the same length twice": (request(b"content-length: %d" % len(ASK)), 400, SHUT),
    "a negative length": (request(b"content-length: -1", length=False), 400, SHUT),
    "a length and chunks": (request(b"content-length: 3", CHUNKED, body=SPLIT), 400, SHUT),
    "chunks and a length": (request(CHUNKED, b"content-length: 3", body=SPLIT), 400, SHUT),
    "a length in the trailer": (request(CHUNKED, body=b"0\r\ncontent-length: 3\r\n\r\n"), 400, SHUT),
    "another transfer coding": (request(b"transfer-encoding: gzip, chunked", body=SPLIT, length=False), 501, SHUT),
    "no transfer coding": (request(b"transfer-encoding: xchunked", body=SPLIT, length=False), 501, SHUT),
    "a chunk without a size": (request(CHUNKED, body=b"zz\r\n"), 400, SHUT),
    "a space before the colon": (request(b"x : 1"), 400, SHUT),
    "a folded header": (request(b"x: 1\r\n 2"), 400, SHUT),
    "a zero byte in a header": (request(b"x: \0"), 400, SHUT),
    "no carriage returns": (request().replace(b"\r\n", b"\n"), 400, SHUT),
    "a raw byte in the path": (request(path=b"/v1/\xff"), 400, SHUT),
    "another expectation": (request(b"expect: the-worst"), 417, SHUT),
    "a head over 64 KiB": (request(b"x: " + b"a" * 70_000), 431, SHUT),
    "a head over 64 KiB that never ends": (b"GET / HTTP/1.1\r\nx: " + b"a" * 70_000, 431, SHUT),
    "many headers over 64 KiB": (request(*[b"x-%d: 1" % number for number in range(9_000)]), 431, SHUT),
    "a trailer over 64 KiB": (request(CHUNKED, body=b"0\r\nx: " + b"a" * 300_000), 431, SHUT),
}


async def test_what_is_refused_has_openais_error_object(world):
    """Status, JSON, the state of the connection, and no model asked, whatever is wrong."""
    failed = {}
    for name, (raw, status, stays) in REFUSED.items():
        answer, is_open = await ask(world, raw)
        keys = sorted(answer.error) if answer.body else answer
        if (answer.status, is_open, keys) != (status, stays, ["code", "message", "param", "type"]):
            failed[name] = (answer.status, is_open, answer.body)
        elif answer.error["type"] != "invalid_request_error":
            failed[name] = answer.error
        elif (answer.headers.get("connection") == "close") is stays or (status == 405) > ("allow" in answer.headers):
            failed[name] = answer.headers
    assert failed == {}
    assert world.student.requests == world.teacher.requests == []


@pytest.mark.parametrize(("path", "status"), [(CHAT, 405), (b"/v1/nothing", 404), (b"/v1/models", 200)])
async def test_head_has_no_body(world, path, status):
    """The head of a page or of an error comes alone, and the connection is ready for the next request."""
    answer, is_open = await ask(world, bare(b"HEAD", path), head_only=True)
    assert (answer.status, is_open) == (status, True)


async def test_a_body_of_a_get_is_read_and_ignored(world):
    """It is not taken for the next request."""
    answer, is_open = await ask(world, request(method=b"GET", path=b"/v1/models"))
    assert (answer.status, is_open) == (200, True)


async def test_pipelined_requests_are_answered_in_their_order(world):
    """Requests that come in one piece get one answer each, an error among them too; a broken one is answered last."""
    async with connected(world) as wire:
        wire.writer.write(request() + bare(b"PUT", CHAT) + request(*H2C) + HEALTH + request(*H2C) + b"rubbish\r\n\r\n")
        statuses = [(await wire.answer()).status for _ in range(6)]
        assert statuses == [200, 405, 200, 200, 200, 400]
        assert await wire.reader.read() == b""
    assert world.student.requests == told() * 3


async def test_nothing_is_answered_after_connection_close(world):
    """The request that asks for the end is answered and is the last; what follows it is thrown away."""
    async with connected(world) as wire:
        wire.writer.write(request(b"connection: close") + request() + b"rubbish")
        answer = await wire.answer()
        assert (answer.status, answer.headers["connection"], await wire.reader.read()) == (200, "close", b"")
    assert world.student.requests == told()


async def test_a_client_that_expects_100_is_told_to_go_on(world):
    """`100 Continue` comes before the body is sent, and the answer after it."""
    async with connected(world) as wire:
        wire.writer.write(request(b"Expect: 100-Continue")[: -len(ASK)])
        assert (await wire.answer()).status == 100
        wire.writer.write(ASK)
        assert ((await wire.answer()).status, await wire.is_open()) == (200, True)


async def test_a_client_that_expects_100_is_not_asked_for_a_body_that_will_be_refused(world):
    """The error comes instead of `100 Continue`, and ends the connection: the body may follow or not."""
    head = request(b"expect: 100-continue", b"content-length: 50000", length=False, body=b"")
    for raw, status in ((head.replace(b"/json", b"/xml"), 415), (head.replace(b"POST", b"PUT"), 405)):
        answer, is_open = await ask(world, raw)
        assert (answer.status, answer.headers["connection"], is_open) == (status, "close", False)


async def test_a_client_that_expects_100_is_not_asked_for_a_body_that_is_too_large(world):
    """413 comes at once, without `100 Continue`."""
    head = request(b"expect: 100-continue", b"content-length: 500000", length=False, body=b"")
    async with asyncio.timeout(3):
        answer, is_open = await ask(world, head)
    assert (answer.status, answer.headers["connection"], is_open) == (413, "close", False)


async def test_a_client_that_sends_on_reads_the_answer_to_a_body_that_is_too_large(world):
    """10 MB more are thrown away, not reset: the client that writes first and reads afterwards gets its 413."""
    large = request(b"content-length: %d" % (len(ASK) + 10_000_000), length=False)
    answer, is_open = await ask(world, large, *[bytes(100_000)] * 100)
    assert (answer.status, is_open) == (413, False)


async def test_an_answer_to_http_1_0_ends_with_the_connection(world):
    """Whole or streamed, it has no chunks, which such a client does not know."""
    for stream in (False, True):
        body = json.dumps({"model": "open", "messages": MESSAGES, "stream": stream}).encode()
        async with connected(world) as wire:
            wire.writer.write(request(body=body, version=b"HTTP/1.0"))
            answer = await wire.answer()
            assert "transfer-encoding" not in answer.headers
            assert answer.body.endswith(b"data: [DONE]\n\n" if stream else b"}")
            assert await wire.reader.read() == b""


async def test_a_client_that_closed_its_sending_side_has_left_when_its_answer_costs(world):
    """As for nginx and Go: the model is stopped; an answer that no model gives is still sent."""
    async with connected(world) as wire:
        wire.writer.write(HEALTH + bare(b"PUT", CHAT))
        wire.writer.write_eof()
        assert [(await wire.answer()).status, (await wire.answer()).status] == [200, 405]
        assert await wire.reader.read() == b""
    body = json.dumps({"model": "open", "messages": [{"role": "user", "content": "please hang"}]}).encode()
    async with connected(world) as wire:
        wire.writer.write(request(body=body))
        await world.student.asked.wait()
        wire.writer.write_eof()
        assert await wire.reader.read() == b""
        await world.student.left.wait()


async def test_a_client_that_resets_stops_the_model(world):
    """A connection that is torn down is noticed while the model still thinks."""
    body = json.dumps({"model": "open", "messages": [{"role": "user", "content": "please hang"}]}).encode()
    async with connected(world) as wire:
        wire.writer.write(request(body=body))
        await world.student.asked.wait()
        linger = struct.pack("ii", 1, 0)
        wire.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        wire.writer.transport.abort()
        await world.student.left.wait()


@pytest.mark.slow
async def test_20_mb_arrive_as_they_were(kit, tmp_path):
    """A body of 20 MB, declared or chunked, reaches the model to the byte."""
    student = kit.ModelServer()
    async with kit.serving(student.app) as url:
        path = tmp_path / "preceptor.yaml"
        text = kit.CONFIG.format(teacher=url, student=url, port=1)
        path.write_text(text.replace("max_body_bytes: 100000", "max_body_bytes: 21000000"))
        settings = config.load(path)
        app = build(settings, load=lambda: settings, since=0.0)
        body = ASK[:-1] + b',"padding":"' + b"x" * 20_000_000 + b'"}'
        chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        async with _running(app) as port:
            for raw in (request(body=body), request(CHUNKED, body=chunked), request(*H2C, body=body)):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(raw)
                assert (await Wire(reader, writer).answer()).text == "hello"
                writer.close()
    assert [len(asked["padding"]) for asked in student.requests] == [20_000_000] * 3


@contextlib.asynccontextmanager
async def _running(app):
    running = server.server(app)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.get_running_loop().create_task(running.serve(sockets=[listener]))
        async with asyncio.timeout(20):
            while not running.started:
                await asyncio.sleep(0.005)
        try:
            yield listener.getsockname()[1]
        finally:
            running.should_exit = True
            await serving


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
@pytest.mark.parametrize("extra", [(), ("-H", "transfer-encoding: chunked"), ("-H", "expect: 100-continue")])
async def test_curl_that_offers_http2_is_served(world, extra):
    """`curl --http2` offers h2c with every request."""
    command = ("curl", "-sS", "--http2", "-m", "10", "-H", "content-type: application/json", *extra)
    process = await asyncio.create_subprocess_exec(
        *command, "-d", ASK.decode(), f"{world.url}/chat/completions", stdout=subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert json.loads(out)["choices"][0]["message"]["content"] == "hello"
    assert world.student.requests == told()


JAVA = """
import java.net.URI;
import java.net.http.*;
public class Ask {
    public static void main(String[] given) throws Exception {
        HttpClient client = HttpClient.newHttpClient();
        for (int turn = 0; turn < 2; turn++) {
            HttpRequest request = HttpRequest.newBuilder(URI.create(given[0]))
                .header("content-type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(given[1])).build();
            HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
            System.out.println(answer.statusCode() + " " + answer.version() + " " + answer.body());
        }
    }
}
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("javac") is None, reason="there is no Java compiler")
async def test_javas_client_is_served(world, tmp_path):
    """Java's HttpClient offers h2c by default, and reuses its connection when that is declined."""
    (tmp_path / "Ask.java").write_text(JAVA)
    await asyncio.to_thread(subprocess.run, ["javac", "Ask.java"], cwd=tmp_path, check=True, timeout=60)
    process = await asyncio.create_subprocess_exec(
        "java", "-cp", tmp_path, "Ask", f"{world.url}/chat/completions", ASK, stdout=subprocess.PIPE
    )
    out, _ = await process.communicate()
    lines = out.decode().splitlines()
    assert [line.split(maxsplit=2)[:2] for line in lines] == [["200", "HTTP_1_1"]] * 2
    assert world.student.requests == told() * 2
