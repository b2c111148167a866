from __future__ import annotations

import sqlite3

import pytest

from domain.clock import ManualClock
from domain.records import SignalKind
from domain.settings import AgreementSettings, DriftSettings, ShadowSettings
from monitors.replay import Replay
from monitors.replay_comparison import compare
from tests.unit.monitors.live_weeks import START, LiveWeeks
from tests.unit.monitors.samples import TASK, deploy, settings

_SHADOW = ShadowSettings(rate=0.4, flagged_rate=1.0, selfcheck_rate=0.1)


def sections(detector: str) -> dict:
    """A task whose detectors are of one kind."""
    return {
        "shadow": _SHADOW,
        "drift": DriftSettings(embedder="words", detector=detector, inputs_per_day=200.0),
        "agreement": AgreementSettings(detector=detector, pairs_per_day=20.0, window=50),
    }


@pytest.fixture
def live(store, teacher_server):
    """Weeks of a live task on the store; returns its settings."""

    async def run(detector: str, *, days: int, an_hour: int, restarts: int, novel=(), wrong=()):
        await deploy(store, at=START)
        chosen = sections(detector)
        weeks = LiveWeeks(store, ManualClock(START), teacher_server, an_hour=an_hour, restarts=restarts, **chosen)
        await weeks.run(range(days), novel=frozenset(novel), wrong=frozenset(wrong))
        return settings(**chosen)

    return run


@pytest.mark.slow
async def test_weeks_of_windowed_detectors_are_reproduced(store, live):
    """Warnings and retraining signals of two deployments, whatever was late, restarted or marked meanwhile."""
    task = await live("windowed", days=25, an_hour=3, restarts=7, novel=(17, 21, 22, 23, 24), wrong=(17, 18))
    stored = await store.signals(TASK)
    assert {signal.kind for signal in stored} == {SignalKind.WARNING, SignalKind.RETRAIN}
    assert {signal.model for signal in stored} == {"v1", "v2"}
    assert any(signal.drift_scores and signal.ceiling and signal.slices for signal in stored)
    found = compare(stored, await Replay(store, TASK, task).run(), task)
    assert found.complete, found
    assert found.reproduced == len(stored)


@pytest.mark.slow
@pytest.mark.parametrize("restarts", [1, 1000])
async def test_detectors_of_single_inputs_are_reproduced(store, live, restarts):
    """Also in a few days, with new workers for every batch or the same all the time."""
    task = await live("per-sample", days=4, an_hour=4, restarts=restarts, novel=(2,), wrong=(3,))
    stored = await store.signals(TASK)
    assert {signal.reason for signal in stored} >= {"drift", "agreement"}
    seen = []
    found = compare(stored, await Replay(store, TASK, task, progress=seen.append).run(), task)
    assert found.complete, found
    assert seen[-1] == await store.watched_count(TASK)


@pytest.mark.slow
async def test_a_novelty_that_was_changed_is_found(store, live, tmp_path):
    """A replay that only copied the signals would not see it."""
    task = await live("per-sample", days=3, an_hour=4, restarts=5, novel=(2,))
    stored = await store.signals(TASK)
    (first, *_) = [signal for signal in stored if signal.reason == "drift"]
    with sqlite3.connect(tmp_path / "store.db") as database:
        database.execute("UPDATE exchanges SET novelty = 0.0 WHERE id = ?", (first.example_ids[0],))
    database.close()
    found = compare(stored, await Replay(store, TASK, task).run(), task)
    assert not found.complete
    assert first.id in {signal.id for signal in found.missing} | {each.signal_id for each in found.different}


async def test_a_task_that_never_had_a_deployment_has_no_signals(store):
    """There is nothing to arm detectors for."""
    assert await Replay(store, TASK, settings()).run() == []


async def test_nothing_is_written(store, live):
    """States, readings and tallies of the live run stay as they are."""
    task = await live("per-sample", days=1, an_hour=2, restarts=5)
    before = (await store.readings(TASK), await store.backlog(TASK), await store.signals(TASK))
    await Replay(store, TASK, task).run()
    assert (await store.readings(TASK), await store.backlog(TASK), await store.signals(TASK)) == before
