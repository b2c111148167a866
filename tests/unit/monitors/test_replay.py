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
    found = compare(stored, await Replay(store, TASK, task).run(), task)
    assert found.complete, (found.reproduced, found.stored, [s.id + s.reason + str(s.at) for s in found.missing], [s.id + s.reason+str(s.at) for s in found.extra], found.different[:3])
    assert found.reproduced == len(stored)
