from __future__ import annotations

import msgspec
import pytest

from domain.ports import Evidence
from embedders.hashing import HashingEmbedder
from monitors.hour_book import HourBook
from monitors.hourly import Fitted, HourlyPanel, fit_state, stored_fit
from monitors.reference import Reference
from monitors.ripening import Fit
from monitors.seen import SeenInput
from monitors.windowed.hours import Hour
from tests.unit.monitors.samples import ORDINARY

HOUR_S = 3600.0
FIT = Fit(10, 7, armed=True)


class Listener:
    """An hourly detector that keeps the numbers of the hours it has heard, and alarms in those it is told."""

    def __init__(self, name: str = "novelty", *, alarms: tuple[int, ...] = ()) -> None:
        self.name = name
        self.heard: list[int] = []
        self.inputs = 0
        self._alarms = alarms

    def hour(self, hour_number: int, hour: Hour) -> Evidence:
        """See `monitors.hourly.HourlyDetector`."""
        self.heard.append(hour_number)
        self.inputs += sum(hour.inputs)
        return Evidence(self.inputs, 0.5, 0.1, hour_number in self._alarms, worst="w")

    def state(self) -> bytes:
        """See `monitors.hourly.HourlyDetector`."""
        return msgspec.json.encode(self.heard)

    def restore(self, state: bytes) -> None:
        """See `monitors.hourly.HourlyDetector`."""
        self.heard = msgspec.json.decode(state, type=list[int])

    def budget(self) -> str:
        """See `monitors.hourly.HourlyDetector`."""
        return "one in a while"


@pytest.fixture(scope="module")
def reference() -> Reference:
    """Of the ordinary inputs."""
    return Reference.build(ORDINARY, HashingEmbedder())


def panel(reference: Reference, *fitted: Fitted, waiting: dict[str, Fit] | None = None) -> HourlyPanel:
    """A panel with these detectors."""
    book = HourBook("intent", "inputs@r", clusters=len(reference.centroids))
    return HourlyPanel(book, reference, fitted, waiting=waiting or {})


def seen(hours: float, key: str = "k", **fields) -> SeenInput:
    """An input so many hours after the epoch."""
    return SeenInput(hours * HOUR_S, key, **fields)


def test_detectors_hear_of_hours_that_are_over(reference):
    """All of them, once, when the first input of a later hour comes; what is found has the time of that input."""
    one, other = Listener("novelty"), Listener("cluster", alarms=(10,))
    watched = panel(reference, Fitted(one, FIT), Fitted(other, FIT, names=("a", "b")))
    assert watched.see(seen(10.1, "x", novelty=0.1, cluster=0)) == []
    assert watched.see(seen(10.9, "y", novelty=0.1, cluster=0)) == []
    novelty, cluster = watched.see(seen(12.5, "z", novelty=0.1, cluster=0))
    assert (one.heard, other.heard) == ([10], [10])
    assert (novelty.detector, novelty.at, novelty.budget) == ("novelty", 12.5 * HOUR_S, "one in a while")
    assert (novelty.evidence.samples, novelty.evidence.alarm, novelty.names) == (2, False, frozenset())
    assert (cluster.evidence.alarm, cluster.evidence.worst, cluster.names) == (True, "w", frozenset({"a", "b"}))


@pytest.mark.parametrize("armed", [True, False])
def test_a_baseline_that_is_not_armed_is_silent(reference, armed):
    """Its evidence is shown, and its alarm warns nobody."""
    watched = panel(reference, Fitted(Listener(), Fit(10, 3, armed=armed)))
    watched.see(seen(10.0))
    (found,) = watched.see(seen(11.0))
    assert found.silent is not armed


def test_an_hour_that_the_baseline_was_learned_from_tells_nothing(reference):
    """The last of the day before is closed by the first input of the day on which it is learned."""
    listener = Listener()
    watched = panel(reference, Fitted(listener, FIT))
    found = [watched.see(seen(hours)) for hours in (9.0, 10.0, 11.0)]
    assert (listener.heard, [len(each) for each in found]) == ([10], [0, 0, 1])


def test_between_hours_nothing_moves(reference):
    """There is no standing besides what is told when an hour is over."""
    watched = panel(reference, Fitted(Listener(), FIT))
    watched.see(seen(10.0))
    assert watched.standing(10.0) == ()


def test_inputs_are_counted_with_what_is_known_of_them(reference):
    """Exceeded quantiles of the embedded ones; the others with their words only."""
    watched = panel(reference)
    for number, (novelty, cluster) in enumerate([(1.0, 1), (0.0, 1), (None, None)]):
        watched.see(seen(10.0, f"k{number}", novelty=novelty, cluster=cluster, words={"length": "to_16"}))
    (tally,) = watched.tallies()
    hour = msgspec.convert(msgspec.json.decode(tally.body)["hour"], Hour)
    assert (hour.inputs, hour.shares) == ([0, 2, 0, 0], {"length": {"to_16": 3}})
    assert hour.exceeded[1] == [1, 1, 1, 1]


def test_states_hold_every_family(reference):
    """Those with a detector, and those that wait, each with its fit."""
    watched = panel(reference, Fitted(Listener(), FIT), waiting={"label": Fit(waiting="needs 3 more days")})
    states = watched.states()
    assert {name: stored_fit(state) for name, state in states.items()} == {
        "novelty": FIT,
        "label": Fit(waiting="needs 3 more days"),
    }


@pytest.mark.parametrize(
    ("stored", "restored"),
    [
        (FIT, True),
        (Fit(10, 7, armed=True, waiting="other words"), True),
        (Fit(11, 7, armed=True), False),
        (Fit(10, 7, expected=1, armed=True), False),
    ],
)
def test_evidence_belongs_to_its_baseline(stored, restored):
    """Learned from other days it starts afresh; other words about what is missing do not matter."""
    before = Listener()
    before.heard = [10, 11]
    after = Listener()
    assert Fitted(after, FIT).restore(Fitted(before, stored).state()) is restored
    assert after.heard == ([10, 11] if restored else [])


@pytest.mark.parametrize("state", [b"{}", b"[", b"null", fit_state(FIT)])
def test_a_memory_of_another_kind_starts_afresh(state):
    """Such as that of a family that had no detector yet, or of a per-sample detector."""
    listener = Listener()
    assert not Fitted(listener, FIT).restore(state)
    assert listener.heard == []


@pytest.mark.parametrize(("state", "fit"), [(None, Fit()), (b"{}", Fit()), (b"[", Fit()), (fit_state(FIT), FIT)])
def test_the_fit_of_a_state(state, fit):
    """That of a family of which nothing is known, when there is none."""
    assert stored_fit(state) == fit
