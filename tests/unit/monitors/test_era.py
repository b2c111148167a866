from __future__ import annotations

import pytest

from domain.records import Baseline, Canary, Stratum
from monitors.era import standing_since
from tests.unit.monitors.samples import deployment

_CANARY = Canary("v2", 0.1)
_OTHER = {Stratum.ORDINARY: Baseline(10, 9)}


@pytest.mark.parametrize(
    ("changes", "since"),
    [
        ([{}], 0),
        ([{}, {"canary": _CANARY}], 0),
        ([{}, {"canary": _CANARY}, {}], 0),
        ([{}, {"model": "v2"}], 1),
        ([{}, {"model": "v2"}, {}], 2),
        ([{}, {"reference_id": "r2"}, {"reference_id": "r2", "canary": _CANARY}], 1),
        ([{}, {"baselines": _OTHER}], 1),
    ],
)
def test_only_another_champion_begins_anew(changes, since) -> None:
    """A canary goes on; another student, reference or measure does not; one that serves again begins again."""
    history = [_deployed(number, change) for number, change in enumerate(changes)]
    found = standing_since(history)
    assert found is not None
    assert (found.at, found.canary, found.model) == (history[since].at, history[-1].canary, history[-1].model)


def test_without_a_deployment_there_is_none() -> None:
    """The task serves what its configuration names."""
    assert standing_since([]) is None


def _deployed(number, change):
    fields = {"reference_id": "r1", "at": 100.0 + number} | change
    return deployment(fields.pop("reference_id"), **fields)
