"""Renewal: a file that can be used becomes the serving generation, any other changes nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import threading

import pytest

from domain import config
from domain.clock import ManualClock
from domain.errors import ConfigError, StoreError
from gateway.reload import Renewal, reloadable
from gateway.swap import Swap

MODEL = {"upstream": "u", "model": "m"}
TASK = {"teacher": MODEL, "student": MODEL, "output": {"text": {}}}


def settings(tmp_path, *names, **server):
    """Settings with these tasks."""
    document = {
        "server": server,
        "upstreams": {"u": {"base_url": "http://x"}},
        "embedders": {"minilm": {}},
        "tasks": dict.fromkeys(names, TASK),
    }
    return config.parse(document, environ={}, root=tmp_path)


class Generation:
    """Answers with its tasks; a task called `broken` cannot start."""

    def __init__(self, found):
        if "refused" in found.tasks:
            raise ConfigError("tasks.refused.policies", "unknown check")
        self.tasks = sorted(found.tasks)
        self.thread = threading.current_thread()
        self.running = False

    async def app(self, scope, receive, send):
        assert self.running
        await send(self.tasks)

    async def start(self):
        if "broken" in self.tasks:
            raise StoreError("cannot start")
        self.running = True

    async def aclose(self):
        self.running = False


async def served(swap):
    """The tasks of the generation that answers."""
    said = []

    async def send(message):
        said.append(message)

    await swap({"type": "http"}, None, send)
    return said[0]


async def test_a_good_file_is_served_and_built_beside_the_traffic(tmp_path):
    """The new tasks answer at once; reading and building happen off the event loop."""
    files = [settings(tmp_path, "a", "b")]
    built = []
    async with Swap(Generation(settings(tmp_path, "a"))) as swap:

        def build(found):
            built.append(Generation(found))
            return built[-1]

        renewal = Renewal(settings(tmp_path, "a"), load=lambda: files[0], build=build, swap=swap)
        assert await renewal.apply() is files[0]
        assert renewal.settings is files[0]
        assert await served(swap) == ["a", "b"]
    assert built[0].thread is not threading.current_thread()


@pytest.mark.parametrize(
    ("found", "error"),
    [
        (("a", "refused"), ConfigError),
        (("a", "broken"), StoreError),
        ({"port": 9999}, ConfigError),
        (ConfigError("", "not YAML"), ConfigError),
    ],
)
async def test_a_file_that_cannot_be_used_changes_nothing(tmp_path, found, error):
    """Whether reading, building or starting fails, or a restart is needed: the old generation answers."""

    def load():
        if isinstance(found, Exception):
            raise found
        return settings(tmp_path, "a", **found) if isinstance(found, dict) else settings(tmp_path, *found)

    before = settings(tmp_path, "a")
    async with Swap(Generation(before)) as swap:
        renewal = Renewal(before, load=load, build=Generation, swap=swap)
        with pytest.raises(error):
            await renewal.apply()
        assert renewal.settings is before
        assert await served(swap) == ["a"]


class Records:
    """What outlives generations, and writes down when it began and ended."""

    def __init__(self, events):
        self.events = events

    def start(self):
        self.events.append("records started")

    async def aclose(self):
        self.events.append("records closed")


class Store:
    """A store whose mark a test sets."""

    mark = 0.0

    async def start(self):
        pass

    async def reload_requested(self):
        return self.mark


async def test_a_process_reloads_at_a_signal(tmp_path):
    """Within the lifespan SIGHUP exchanges the generation; records begin before the first and end after the last."""
    events = []
    done = asyncio.Event()

    class Traced(Generation):
        async def start(self):
            await super().start()
            events.append(f"{self.tasks} started")
            if self.tasks == ["b"]:
                done.set()

        async def aclose(self):
            await super().aclose()
            events.append(f"{self.tasks} closed")

    swap = reloadable(
        settings(tmp_path, "a"),
        build=Traced,
        load=lambda: settings(tmp_path, "b"),
        records=Records(events),
        store=Store(),
        since=100.0,
        clock=ManualClock(),
    )
    phases = iter(["lifespan.startup", "lifespan.shutdown"])

    async def receive():
        phase = next(phases)
        if phase == "lifespan.shutdown":
            assert await served(swap) == ["a"]
            os.kill(os.getpid(), signal.SIGHUP)
            await asyncio.wait_for(done.wait(), 10)
            while (await served(swap)) == ["a"]:
                await asyncio.sleep(0)
        return {"type": phase}

    async def send(message):
        assert message["type"].endswith("complete")

    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    await swap({"type": "lifespan"}, receive, send)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    assert [event for event in events if "records" in event] == [events[0], events[-1]]
    assert sorted(events[1:-1]) == ["['a'] closed", "['a'] started", "['b'] closed", "['b'] started"]
