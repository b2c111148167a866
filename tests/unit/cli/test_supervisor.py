from __future__ import annotations

import asyncio
import os
import signal
import sys

import pytest

from cli.keeper import Role
from cli.supervisor import Supervisor, bind, roles
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
    assert [role.name for role in found if role.rereads] == ["gateway-0", "gateway-1", "console"]
    for listener in {role.listener for role in found if role.listener}:
        listener.close()


def supervisor(installation, *found, load=None):
    """A supervisor of scripts on a good configuration."""
    settings = config.load(installation.config)
    return Supervisor(
        found,
        path=installation.config,
        metrics=installation.root / "metrics",
        settings=settings,
        load=load or (lambda: config.load(installation.config)),
    )


class Machine:
    """Two processes that hear SIGHUP and one that does not; each says what happens to it."""

    def __init__(self, installation):
        self._file = installation.root / "lines"
        say = f"import signal, sys, time\ndef say(x): open({str(self._file)!r}, 'a').write(x + '\\n')\n"
        hears = "signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGHUP])\n"

        def role(name, *, rereads):
            listens = f"signal.signal(signal.SIGHUP, lambda *_: say('{name} told'))\n{hears}" if rereads else ""
            code = f"{say}{listens}say('{name} up')\ntime.sleep(60)"
            return Script(name, name, rereads=rereads, code=code)

        self.supervisor = supervisor(
            installation, *(role(n, rereads=n != "monitors") for n in ("gateway", "monitors", "console"))
        )

    def lines(self):
        """What has happened."""
        return sorted(self._file.read_text().splitlines()) if self._file.exists() else []

    async def until(self, *expected):
        """Wait until exactly this has happened."""
        async with asyncio.timeout(20):
            while self.lines() != sorted(expected):
                await asyncio.sleep(0.01)


UP = ("gateway up", "monitors up", "console up")


@pytest.fixture
async def machine(installation):
    """Three processes that run."""
    made = Machine(installation)
    running = asyncio.get_running_loop().create_task(made.supervisor.run())
    await made.until(*UP)
    yield made
    made.supervisor.stop()
    assert await asyncio.wait_for(running, 20) == 0


@pytest.mark.slow
async def test_sighup_reaches_every_process(machine, caplog):
    """Those that can reread their file are told to; the others are started anew."""
    with caplog.at_level("INFO"):
        os.kill(os.getpid(), signal.SIGHUP)
        await machine.until(*UP, "gateway told", "console told", "monitors up")
    assert "config_reloaded tasks=tickets" in caplog.text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "reason"),
    [("nonsense: 1\n", "nonsense: unknown key"), ("server: {workers: 7}\n", "server.workers: this change needs")],
)
async def test_a_file_that_cannot_be_used_changes_nothing(machine, installation, caplog, text, reason):
    """The reason is logged; only the console hears of it, which refuses the file, too, and counts that."""
    good = installation.config.read_text()
    installation.config.write_text(good + text)
    assert not await machine.supervisor.reload()
    assert f"config_reload_failed error={reason}" in caplog.text
    await machine.until(*UP, "console told")
    installation.config.write_text(good)
    assert await machine.supervisor.reload()
    await machine.until(*UP, "console told", "console told", "gateway told", "monitors up")


@pytest.mark.slow
async def test_a_bad_configuration_is_not_tried_again(installation):
    """Exit code 2 at the first start means that restarting cannot help: everything ends with it."""
    roles = [Script("good", "", None, code="import time; time.sleep(60)"), Script("bad", "", None, code="exit(2)")]
    assert await asyncio.wait_for(supervisor(installation, *roles).run(), 20) == 2


async def test_old_metrics_are_wiped(installation):
    """Samples of an earlier run must not be added to this one."""
    metrics = installation.root / "metrics"
    metrics.mkdir()
    (metrics / "counter_1.db").touch()
    await supervisor(installation).run()
    assert list(metrics.iterdir()) == []
