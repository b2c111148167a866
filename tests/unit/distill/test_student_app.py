from __future__ import annotations

import asyncio
import socket
import sys
from contextlib import suppress

import httpx
import pytest
import yaml

from distill.student_app import build, main
from domain.clock import ManualClock
from domain.errors import ConfigError, ModelError


def _document(**sections):
    return {
        "upstreams": {"u": {"base_url": "http://127.0.0.1:9/v1"}},
        "tasks": {
            "t": {
                "teacher": {"upstream": "u", "model": "gold"},
                "student": {"upstream": "u", "model": "v1"},
                "output": {"labels": ["a", "b"]},
                "drift": {"embedder": "words"},
            }
        },
        "embedders": {"words": {"backend": "hashing"}},
        "students": {"path": "students"},
    } | sections


@pytest.fixture
def write(tmp_path):
    """Writes a configuration and returns its path."""

    def written(**sections):
        path = tmp_path / "preceptor.yaml"
        path.write_text(yaml.safe_dump(_document(**sections)))
        return path

    return written


async def test_the_server_loads_the_embedders_of_its_tasks(make_settings):
    """No request should be the one that waits for the weights."""
    server = build(make_settings(), clock=ManualClock())
    assert not server.ready
    await server.load()
    assert server.ready
    server.close()


async def test_an_embedder_without_weights_is_told_at_start(make_settings):
    """Missing weights must fail the start, with the ways to get them."""
    settings = make_settings(embedders={"words": {"model": "package:no_such_package"}})
    server = build(settings, clock=ManualClock())
    with pytest.raises(ModelError, match="no_such_package"):
        await server.load()
    assert not server.ready
    server.close()


def test_without_the_section_there_is_no_server(make_settings):
    """The error must say what to write."""
    with pytest.raises(ConfigError, match="students: the section is missing"):
        build(make_settings(students=None), clock=ManualClock())


def test_a_missing_configuration_is_one_line(tmp_path, capsys):
    """The command must end with a sentence and exit code 2, not with a traceback."""
    assert main(["--config", str(tmp_path / "none.yaml")]) == 2
    assert capsys.readouterr().err.startswith("preceptor student-server: cannot read")


def test_a_port_in_use_is_one_line(write, capsys):
    """The error must name the address and the setting."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["--config", str(write(students={"port": port}))]) == 2
    error = capsys.readouterr().err
    assert f"cannot listen on 127.0.0.1:{port}" in error
    assert "change students.port" in error


def test_missing_weights_end_the_process_with_one_line(write, capsys):
    """A server that can never be ready must not stay, and must say what to do."""
    path = write(students={"port": _free_port()}, embedders={"words": {"model": "package:no_such_package"}})
    assert main(["--config", str(path)]) == 2
    assert "cannot load the embedder 'package:no_such_package'" in capsys.readouterr().err


@pytest.mark.slow
async def test_the_process_serves_an_inherited_socket_and_ends_on_sigterm(write):
    """The supervisor hands over a listening socket; it must answer, and end in time when told to."""
    path = write()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "distill",
            "--config",
            str(path),
            "--fd",
            str(listening.fileno()),
            pass_fds=[listening.fileno()],
        )
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
                await _ready(http)
                assert (await http.get("/v1/models")).json()["data"] == []
            process.terminate()
            assert await asyncio.wait_for(process.wait(), 20) in (0, -15)
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


@pytest.mark.slow
async def test_the_server_imports_nothing_it_does_not_need():
    """Trainer, teacher's client and statistics must stay out of the process that answers."""
    code = (
        "import sys, distill.student_app\n"
        "found = {'sklearn', 'scipy', 'openai', 'torch', 'pandas'} & set(sys.modules)\n"
        "sys.exit(str(found) if found else 0)"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    assert await process.wait() == 0


def _free_port():
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


async def _ready(http):
    for _ in range(1000):
        if (await http.get("/readyz")).status_code == 200:
            return
        await asyncio.sleep(0.02)
    pytest.fail("the server was never ready")
