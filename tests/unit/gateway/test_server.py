"""The server: sockets of its own or inherited, and clear words when they cannot be had."""

from __future__ import annotations

import os
import socket

import pytest

from domain.errors import PreceptorError
from gateway import server
from gateway.__main__ import main
from gateway.protocol import GatewayProtocol

CONFIG = """
upstreams: {{a: {{base_url: "http://127.0.0.1:9/v1"}}}}
server: {{port: {port}}}
embedders: {{minilm: {{}}}}
tasks:
  intent:
    teacher: {{upstream: a, model: big}}
    student: {{upstream: a, model: small}}
    output: {{labels: [x, y]}}
"""


@pytest.fixture
def taken():
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        yield found.getsockname()[1]


def test_a_taken_port_is_told_in_one_line(taken):
    """The line names address, reason and the key to change."""
    with pytest.raises(PreceptorError, match=rf"127.0.0.1:{taken}: address already in use; change server.port"):
        server.listener("127.0.0.1", taken)


def test_a_free_port_listens():
    """The socket takes connections at once."""
    with server.listener("127.0.0.1", 0) as found, socket.create_connection(found.getsockname()) as client:
        assert client.getpeername() == found.getsockname()


def test_a_descriptor_that_is_no_socket_is_told(tmp_path):
    """A wrong --fd is refused with its number."""
    with (tmp_path / "file").open("w") as file, pytest.raises(PreceptorError, match=f"--fd {file.fileno()} is no"):
        server.inherited(file.fileno())


def test_a_socket_can_be_inherited():
    """The descriptor of a listening socket serves."""
    with socket.create_server(("127.0.0.1", 0)) as found, server.inherited(os.dup(found.fileno())) as mine:
        assert mine.getsockname() == found.getsockname()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "cannot read"),
        ("nonsense: 1", "nonsense"),
        (CONFIG.format(port=0), "server"),
    ],
)
def test_a_bad_configuration_is_one_line_and_exit_2(tmp_path, capsys, text, words):
    """No traceback: one line on stderr that names the key, exit code 2."""
    path = tmp_path / "preceptor.yaml"
    if text is not None:
        path.write_text(text)
    assert main(["--config", str(path)]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_a_port_in_use_is_one_line_and_exit_2(tmp_path, capsys, taken):
    """The same for a port that somebody else has."""
    path = tmp_path / "preceptor.yaml"
    path.write_text(CONFIG.format(port=taken))
    assert main(["--config", str(path)]) == 2
    assert "address already in use" in capsys.readouterr().err


def test_the_server_is_lean():
    """No access log, no server header, no look at proxies, our own protocol: what the measurements chose."""
    config = server.server(None).config
    assert (config.access_log, config.server_header, config.proxy_headers) == (False, False, False)
    assert (config.http, config.ws, config.timeout_keep_alive) == (GatewayProtocol, "none", 75)
    assert server.server(None, drain_s=7.5).config.timeout_graceful_shutdown == 8
