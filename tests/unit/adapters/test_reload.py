"""The reloader: one at a time, counted, told in one line, and no SIGHUP is lost or kills."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys

import msgspec
import pytest
from prometheus_client import REGISTRY

from adapters.reload import Reloader
from domain.clock import ManualClock
from domain.errors import ConfigError, StoreError

COUNTERS = ("preceptor_config_reloads_total", "preceptor_config_reload_failures_total")
TIMESTAMP = "preceptor_config_reload_timestamp_seconds"


class Applied(msgspec.Struct):
    """What the reloader reads of settings."""

    tasks: dict[str, None]


class Script:
    """A configuration that is applied, or not, as told; `gate` holds it up."""

    def __init__(self, error=None):
        self.error = error
        self.calls = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.called = asyncio.Event()

    async def apply(self):
        self.calls += 1
        self.called.set()
        await self.gate.wait()
        if self.error:
            raise self.error
        return Applied({"b": None, "a": None})


class Store:
    """A store with a mark; no mark: it cannot be read."""

    def __init__(self, mark=None):
        self.mark = mark

    async def start(self):
        pass

    async def reload_requested(self):
        if self.mark is None:
            raise StoreError("the disk is gone")
        return self.mark


@pytest.fixture(autouse=True)
def mask():
    """Signals are let through again after the test."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def counted():
    """Reloads and failures so far."""
    return [REGISTRY.get_sample_value(name) for name in COUNTERS]


def reloader(script, *, store=None, clock=None):
    """A reloader of what was read at 100 s."""
    return Reloader(script.apply, store=store or Store(), since=100.0, clock=clock or ManualClock(500.0))


async def until(condition):
    """Let the background work until something is so."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


async def test_a_reload_is_counted_and_told(caplog):
    """The counter, the time and one line with the tasks say that the file is in force."""
    before = counted()
    with caplog.at_level(logging.INFO):
        assert await reloader(Script()).reload()
    assert [after - was for was, after in zip(before, counted(), strict=True)] == [1, 0]
    assert REGISTRY.get_sample_value(TIMESTAMP) == 500.0
    assert [record.message for record in caplog.records] == ["config_reloaded tasks=a,b"]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ConfigError("tasks.a", "unknown key"), "tasks.a: unknown key"),
        (ZeroDivisionError("user text"), "ZeroDivisionE"),
    ],
)
async def test_a_refused_file_is_counted_and_says_why(caplog, error, told):
    """A failure, even a defect, changes nothing, counts one failure and gives its reason."""
    before = counted()
    with caplog.at_level(logging.INFO):
        assert not await reloader(Script(error)).reload()
    assert [after - was for was, after in zip(before, counted(), strict=True)] == [0, 1]
    (record,) = caplog.records
    assert record.message.startswith(f"config_reload_failed error={told}")


async def test_requests_during_a_reload_make_one_more():
    """Many requests while one reload runs are obeyed by a single one after it, which reads the newest file."""
    script = Script()
    script.gate.clear()
    made = reloader(script)
    async with made.listening():
        made.request()
        await script.called.wait()
        for _ in range(5):
            made.request()
        script.gate.set()
        await until(lambda: script.calls == 2)
        for _ in range(20):
            await asyncio.sleep(0)
    assert script.calls == 2


async def test_a_failure_does_not_end_the_listening():
    """After a bad file a good one is taken over."""
    script = Script(ConfigError("x", "bad"))
    made = reloader(script)
    async with made.listening():
        made.request()
        await until(lambda: script.calls == 1)
        script.error = None
        made.request()
        await until(lambda: script.calls == 2)
    assert await made.reload()


async def test_sighup_and_the_mark_are_obeyed():
    """Each of the two triggers makes a reload; the time of the first reading is told from the start."""
    script, store = Script(), Store(mark=200.0)
    async with reloader(script, store=store).listening():
        assert REGISTRY.get_sample_value(TIMESTAMP) == 100.0
        await until(lambda: script.calls == 1)
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: script.calls == 2)


STARTING = """
import asyncio, os, signal, threading
from adapters.reload import hangups, hold_hangups

async def main():
    heard, told = [], asyncio.Event()
    with hangups(lambda: (heard.append(1), told.set())):
        await asyncio.wait_for(told.wait(), 10)
    await asyncio.to_thread(os.kill, os.getpid(), signal.SIGHUP)
    await asyncio.sleep(0.01)
    print("heard", len(heard))

hold_hangups()
idle = threading.Event()
threading.Thread(target=idle.wait).start()
os.kill(os.getpid(), signal.SIGHUP)
%s
idle.set()
"""


@pytest.mark.slow
@pytest.mark.parametrize("run", ["asyncio.run(main())", "import uvloop; uvloop.run(main())"])
def test_a_hangup_waits_for_who_can_obey_it(run):
    """SIGHUP before `hangups` is obeyed there, after it does nothing; never does a process with threads die of it."""
    done = subprocess.run([sys.executable, "-c", STARTING % run], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (0, "heard 1\n"), done.stderr
