from __future__ import annotations

from domain.ports import Observation
from monitors.detectors.every_n import EveryN


def test_it_alarms_every_n_observations():
    """Whatever they are, also across a restart."""
    one = EveryN(10)
    alarms = [one.update(Observation(at=0.0, counts=(0.0,))).alarm for _ in range(25)]
    other = EveryN(10)
    other.restore(one.state())
    alarms += [other.update(Observation(at=0.0, counts=(1.0,))).alarm for _ in range(10)]
    assert [number for number, alarm in enumerate(alarms, 1) if alarm] == [10, 20, 30]
