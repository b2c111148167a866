from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys

import pytest

from cli.keeper import Keeper, Role


class Script(Role, frozen=True):
    """A role whose process is a line of Python."""

    code: str = ""

    def command(self, path):
        """See `Role`."""
        return [sys.executable, "-c", self.code]


def keeper(tmp_path, code, *, spawning=None):
    """A keeper of a line of Python."""
    role = Script("worker", "worker", None, code=code)
    return Keeper(role, path=tmp_path, metrics=tmp_path / "metrics", spawning=spawning or asyncio.Lock())


class Kept:
    """A keeper that runs, and the lines that its processes have written."""

    def __init__(self, tmp_path, code):
        self._file = tmp_path / "lines"
        code = f"import os, signal, sys, time\ndef say(x): open({str(self._file)!r}, 'a').write(f'{{x}}\\n')\n{code}"
        (tmp_path / "metrics").mkdir()
        self.keeper = keeper(tmp_path, code)

    async def lines(self, count):
        """The first lines, once there are that many."""
        async with asyncio.timeout(20):
            while True:
                found = self._file.read_text().splitlines() if self._file.exists() else []
                if len(found) >= count:
                    return found
                await asyncio.sleep(0.01)

    @contextlib.asynccontextmanager
    async def running(self):
        """Let it run inside."""
        task = asyncio.get_running_loop().create_task(self.keeper.run())
        try:
            yield task
        finally:
            self.keeper.stop()
            assert await asyncio.wait_for(task, 20) in (0, 2)


SLEEPS = "say(os.getpid())\ntime.sleep(60)"


def test_the_command_line_of_a_role(tmp_path):
    """A process gets its configuration, and the socket if it has one."""
    assert Role("monitors", "monitors").command(tmp_path) == [
        sys.executable,
        "-m",
        "monitors",
        "--config",
        f"{tmp_path}",
    ]


@pytest.mark.slow
async def test_a_process_that_dies_is_started_again(tmp_path):
    """A killed process comes back, and none is left after `stop`."""
    kept = Kept(tmp_path, SLEEPS)
    async with kept.running():
        (first,) = map(int, await kept.lines(1))
        os.kill(first, signal.SIGKILL)
        second = int((await kept.lines(2))[1])
    assert second != first
    with pytest.raises(ProcessLookupError):
        os.kill(second, 0)


@pytest.mark.slow
async def test_an_end_with_code_0_is_no_error(tmp_path, caplog):
    """A process that ended itself in order to start anew is not reported as a failure."""
    kept = Kept(tmp_path, "say(os.getpid())\nsys.exit(0)")
    with caplog.at_level("INFO"):
        async with kept.running():
            await kept.lines(2)
    assert "process_ended role=worker" in caplog.text
    assert "process_died" not in caplog.text


@pytest.mark.slow
async def test_a_restart_ends_gracefully_and_at_once_starts_the_next(tmp_path):
    """SIGTERM is obeyed before the successor starts, without the pause that a death would cost."""
    code = "say('up')\ntry:\n signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n say('ready')\n time.sleep(60)\n"
    kept = Kept(tmp_path, code + "finally: say('down')")
    async with kept.running():
        await kept.lines(2)
        await asyncio.wait_for(kept.keeper.restart(), 20)
        assert (await kept.lines(4))[:4] == ["up", "ready", "down", "up"]


@pytest.mark.slow
async def test_a_bad_configuration_ends_only_what_never_ran(tmp_path):
    """Exit code 2 at the first start is final; after a restart it is tried again, for the others still serve."""
    marker = tmp_path / "again"
    code = f"if os.path.exists({str(marker)!r}):\n say('no')\n sys.exit(2)\nsay('yes')\ntime.sleep(60)"
    kept = Kept(tmp_path, code)
    async with kept.running() as task:
        await kept.lines(1)
        marker.touch()
        await kept.keeper.restart()
        assert (await kept.lines(3))[:3] == ["yes", "no", "no"]
        assert not task.done()
    assert await asyncio.wait_for(keeper(tmp_path, "raise SystemExit(2)").run(), 20) == 2


@pytest.mark.slow
async def test_a_hangup_reaches_a_process_that_is_only_starting(tmp_path):
    """SIGHUP right after the start neither kills the process nor is lost, and this process's own mask is as it was."""
    code = "say('up')\nsignal.signal(signal.SIGHUP, lambda *_: say('told'))\n"
    kept = Kept(tmp_path, code + "signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGHUP])\ntime.sleep(60)")
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    kept.keeper.hang_up()  # nobody there yet: nothing happens
    async with kept.running():
        while kept.keeper._process is None:
            await asyncio.sleep(0)
        kept.keeper.hang_up()
        assert await kept.lines(2) == ["up", "told"]
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before


@pytest.mark.slow
async def test_keepers_that_start_together_leave_the_signal_mask_alone(tmp_path):
    """However their starts overlap, this process can hear SIGHUP afterwards."""
    before = signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
    (tmp_path / "metrics").mkdir()
    spawning = asyncio.Lock()
    keepers = [keeper(tmp_path, "import time; time.sleep(60)", spawning=spawning) for _ in range(5)]
    running = [asyncio.get_running_loop().create_task(one.run()) for one in keepers]
    async with asyncio.timeout(20):
        while not all(one._started.is_set() for one in keepers):
            await asyncio.sleep(0.01)
    after = signal.pthread_sigmask(signal.SIG_SETMASK, before)
    for one in keepers:
        one.stop()
    await asyncio.wait_for(asyncio.gather(*running), 20)
    assert signal.SIGHUP not in after
