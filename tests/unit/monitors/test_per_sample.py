from __future__ import annotations

import pytest

from domain.ports import Observation
from domain.records import Stratum
from embedders.hashing import HashingEmbedder
from monitors import per_sample
from monitors.detectors.every_n import EveryN
from monitors.detectors.none import NoDetector
from monitors.per_sample import Member, PerSamplePanel
from monitors.reference import Reference
from monitors.seen import SeenInput
from tests.unit.monitors.samples import ORDINARY


@pytest.fixture(scope="module")
def reference() -> Reference:
    """Of the ordinary inputs."""
    return Reference.build(ORDINARY, HashingEmbedder())


def seen(at: float, **fields) -> SeenInput:
    """An input of a time."""
    return SeenInput(at, f"key{at}", **fields)


def always(seen: SeenInput) -> Observation:
    """A look that hears of every input."""
    return Observation(at=seen.at, counts=(1.0,))


def panel(*, every: int = 2, silent: bool = False, look=always) -> PerSamplePanel:
    """One detector that alarms every so many inputs, and one that never does."""
    return PerSamplePanel(
        [Member("often", EveryN(every), look, silent=silent), Member("never", NoDetector("never"), look)]
    )


def test_alarms_are_told_at_once():
    """Each with the name of the member, the time of the input, and whether it is silent."""
    watched = panel(every=2, silent=True)
    found = [one for number in range(5) for one in watched.see(seen(float(number)))]
    assert [(one.detector, one.at, one.silent, one.evidence.alarm) for one in found] == [
        ("often", 1.0, True, True),
        ("often", 3.0, True, True),
    ]


def test_standing_is_told_once():
    """What has been told, as an alarm or before, is not told again: it would be counted twice."""
    watched = panel(every=2)
    watched.see(seen(1.0))
    assert [(one.detector, one.at) for one in watched.standing(5.0)] == [("often", 5.0), ("never", 5.0)]
    assert watched.standing(6.0) == []
    watched.see(seen(2.0))
    assert [one.detector for one in watched.standing(7.0)] == ["never"]


def test_who_does_not_hear_of_an_input_does_not_count_it():
    """A look that finds nothing to say leaves the detector as it was."""
    watched = panel(look=lambda seen: None)
    before = watched.states()
    assert watched.see(seen(1.0)) == []
    assert (watched.standing(1.0), watched.states(), watched.tallies()) == ([], before, ())


def test_states_are_those_of_the_members():
    """Under their names, as the detectors give them."""
    detector = EveryN(3)
    watched = PerSamplePanel([Member("own", detector, always)])
    watched.see(seen(1.0))
    assert watched.states() == {"own": detector.state()}


def test_novelty_hears_of_embedded_inputs(reference):
    """The quantiles that are exceeded, the stratum, the time and the key; nothing where nothing was embedded."""
    look = per_sample.novelty(reference)
    assert look(seen(1.0)) is None
    low, high = (look(seen(2.0, novelty=novelty)) for novelty in (0.0, 1.0))
    assert (low.counts, low.stratum) == ((0.0, 0.0, 0.0, 0.0), Stratum.ORDINARY)
    assert (high.counts, high.stratum, high.at, high.key) == ((1.0, 1.0, 1.0, 1.0), Stratum.FLAGGED, 2.0, "key2.0")


@pytest.mark.parametrize(
    ("look", "fields", "category"),
    [
        (per_sample.cluster, {"cluster": 0}, "0"),
        (per_sample.cluster, {"cluster": None}, None),
        (per_sample.word("label"), {"words": {"label": "refund", "length": "to_16"}}, "refund"),
        (per_sample.word("label"), {"words": {"length": "to_16"}}, None),
    ],
)
def test_shares_hear_of_a_category(look, fields, category):
    """The cluster or the word is the stratum; an input without one is not heard of."""
    found = look(seen(3.0, **fields))
    if category is None:
        assert found is None
    else:
        assert (found.at, found.counts, found.stratum, found.key) == (3.0, (1.0,), category, "key3.0")
