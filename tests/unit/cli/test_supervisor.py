from __future__ import annotations

import asyncio
import os
import signal
import sys

import pytest

from cli.supervisor import Role, Supervisor, bind, roles
from domain import config
from domain.errors import PreceptorError


class Script(Role, frozen=True):
    """A role whose process is a line of Python."""

    code: str = ""

    def command(self, path):
        """See `Role`."""
        return [sys.executable, "-c", self.code]


def test_a_port_in_use_is_one_clear_line():
    """The error must name address, reason and the setting to change."""
    listener = bind("127.0.0.1", 0, key="server.port")
    port = listener.getsockname()[1]
    with pytest.raises(PreceptorError, match=rf"cannot listen on 127.0.0.1:{port}: .*in use; change server.port"):
        bind("127.0.0.1", port, key="server.port")
    listener.close()


def test_every_process_of_a_machine_is_listed(installation):
    """Gateway workers, monitors, console and the student server, with the sockets that they inherit."""
    ports = [bind("127.0.0.1", 0, key="test") for _ in range(3)]
    numbers = [listener.getsockname()[1] for listener in ports]
    for listener in ports:
        listener.close()
    text = installation.config.read_text().replace("path: students", f"path: students\n  port: {numbers[2]}")
    server = f"server: {{port: {numbers[0]}, admin_port: {numbers[1]}, workers: 2}}\n"
    installation.config.write_text(text + server)
    found = roles(config.load(installation.config))
    assert [role.name for role in found] == ["gateway-0", "gateway-1", "monitors", "console", "students"]
    assert found[0].listener is found[1].listener
    assert found[0].command(installation.config)[-2] == "--fd"
    for listener in {role.listener for role in found if role.listener}:
        listener.close()


@pytest.mark.slow
async def test_a_process_that_dies_is_started_again(tmp_path):
    """The supervisor must bring a killed process back, and end all of them on `stop`."""
    pids = tmp_path / "pids"
    code = f"import os, time; open({str(pids)!r}, 'a').write(f'{{os.getpid()}}\\n'); time.sleep(60)"
    supervisor = Supervisor([Script("worker", "", None, code)], path=tmp_path, metrics=tmp_path / "metrics")
    running = asyncio.get_running_loop().create_task(supervisor.run())
    first = await _pid(pids, 1)
    os.kill(first, signal.SIGKILL)
    second = await _pid(pids, 2)
    assert second != first
    supervisor.stop()
    assert await asyncio.wait_for(running, 20) == 0
    with pytest.raises(ProcessLookupError):
        os.kill(second, 0)


@pytest.mark.slow
async def test_a_bad_configuration_is_not_tried_again(tmp_path):
    """Exit code 2 means that restarting cannot help: everything ends with it."""
    code = "import sys; sys.exit(2)"
    supervisor = Supervisor([Script("worker", "", None, code)], path=tmp_path, metrics=tmp_path / "metrics")
    assert await asyncio.wait_for(supervisor.run(), 20) == 2


async def test_old_metrics_are_wiped(tmp_path):
    """Samples of an earlier run must not be added to this one."""
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics" / "counter_1.db").touch()
    await Supervisor([], path=tmp_path, metrics=tmp_path / "metrics").run()
    assert list((tmp_path / "metrics").iterdir()) == []


async def _pid(file, count):
    for _ in range(400):
        lines = file.read_text().split() if file.exists() else []
        if len(lines) >= count:
            return int(lines[-1])
        await asyncio.sleep(0.05)
    raise AssertionError(f"no process number {count}")
