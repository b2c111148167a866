from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from domain.ports import Evidence
from domain.records import Arm, Signal, SignalKind
from domain.settings import SignalSettings
from embedders.hashing import HashingEmbedder
from monitors.inputs import REMEMBERED, SILENT, InputWatch
from monitors.reference import Reference
from monitors.seen import Found, SeenInput
from monitors.signals import REASONS
from tests.unit.monitors.samples import DEPLOYED_AT, ORDINARY, TASK, deployment, exchange

HOUR_S = 3600.0
HOURLY = SignalSettings(cooldown="1h")


class Script:
    """A panel that finds what it is told to find in its nth input, and counts what it sees."""

    def __init__(self, found: Mapping[int, Sequence[Found]] = {}) -> None:
        self.seen: list[SeenInput] = []
        self._found = found

    def see(self, seen: SeenInput) -> Sequence[Found]:
        """See `monitors.seen.Panel`."""
        self.seen.append(seen)
        return [_at(found, seen.at) for found in self._found.get(len(self.seen), ())]

    def standing(self, at: float) -> Sequence[Found]:
        """See `monitors.seen.Panel`."""
        return [_at(found("cluster", alarm=False), at)]

    def states(self) -> Mapping[str, bytes]:
        """See `monitors.seen.Panel`."""
        return {"novelty": b"%d" % len(self.seen)}

    def tallies(self) -> Sequence:
        """See `monitors.seen.Panel`."""
        return ()


def found(detector: str = "novelty", *, alarm: bool = True, worst: str = "", **fields) -> Found:
    """What a detector says."""
    return Found(detector, 0.0, Evidence(7, 0.5, 1.1 if alarm else 0.2, alarm, worst), "one in 30 days", **fields)


def _at(one: Found, at: float) -> Found:
    return Found(one.detector, at, one.evidence, one.budget, silent=one.silent, names=one.names)


@pytest.fixture(scope="module")
def reference() -> Reference:
    """Of the ordinary inputs."""
    return Reference.build(ORDINARY, HashingEmbedder())


@pytest.fixture
def watch(reference):
    """Makes a watch with one scripted panel, or others."""

    def made(found: Mapping[int, Sequence[Found]] = {}, **fields) -> InputWatch:
        base = {"panels": [Script(found)], "key": "key", "past": (), "alarmed": None, "settings": HOURLY}
        base |= fields
        return InputWatch(deployment("r1"), reference, base.pop("panels"), **base)

    return made


def row(number: int, *, hours: float | None = None, **fields):
    """Exchange `number`, one second after the other or some hours after the deployment."""
    at = DEPLOYED_AT + (number if hours is None else hours * HOUR_S)
    return exchange(number, ORDINARY[number % len(ORDINARY)], at=at, **fields)


def show(watch: InputWatch, *rows, novelty: float | None = 0.0, cluster: int | None = 0, words=None) -> None:
    """Let it see some exchanges."""
    for each in rows:
        watch.see(each, novelty, cluster, words or {})


def signal(detector: str, at: float, kind: SignalKind = SignalKind.WARNING) -> Signal:
    """One that was raised."""
    return Signal(
        id=f"{detector}{at}{kind}", task=TASK, kind=kind, reason=REASONS.get(detector, detector), at=at,
        detector=detector, model="v1", evidence=1.0, samples=1, false_alarm_budget="one",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "counts"),
    [({}, True), ({"arm": Arm.TEACHER}, True), ({"arm": Arm.NONE}, False), ({"at": DEPLOYED_AT - 1}, False)],
)
def test_inputs_of_this_student_that_reached_a_model_count(reference, fields, counts):
    """Whoever answered; one from before it was deployed, or that a policy blocked, says nothing."""
    panel = Script()
    watched = InputWatch(
        deployment("r1"), reference, [panel], key="key", past=(), alarmed=None, settings=HOURLY
    )  # fmt: skip
    watched.see(exchange(1, "Order 17", **fields), 0.3, 2, {"label": "refund"})
    assert len(panel.seen) == counts
    if counts:
        assert (panel.seen[0].novelty, panel.seen[0].cluster, panel.seen[0].words) == (0.3, 2, {"label": "refund"})
        twin = InputWatch(deployment("r1"), reference, [panel], key="k", past=(), alarmed=None, settings=HOURLY)
        twin.see(exchange(2, "order 4711"), None, None, {})
        assert panel.seen[1].key == panel.seen[0].key


@pytest.mark.parametrize(
    ("first", "second", "hours", "raised"),
    [
        ("novelty", "novelty", 0.9, 1),
        ("novelty", "novelty", 1.0, 2),
        ("cluster", "cluster", 0.9, 1),
        ("novelty", "cluster", 0.0, 2),
        ("label", "length", 0.0, 2),
        ("language", "schema", 0.0, 2),
    ],
)
def test_warnings_of_one_reason_share_a_cooldown(watch, first, second, hours, raised):
    """What goes on is told once; another thing is told at once."""
    watched = watch({1: [found(first)], 2: [found(second)]})
    show(watched, row(1, hours=1.0), row(2, hours=1.0 + hours))
    harvest = watched.harvest(0.0)
    assert [signal.reason for signal in harvest.signals] == [REASONS[first], REASONS[second]][:raised]
    assert [reading.alarm for reading in harvest.readings][:2] == [True, True]
    assert watched.signals == harvest.signals


@pytest.mark.parametrize(("age_s", "raised"), [(3599.0, 0), (3600.0, 1)])
def test_the_cooldown_outlasts_a_restart(watch, age_s, raised):
    """Signals that are in the store hold others back; those of an earlier student do not."""
    at = DEPLOYED_AT + 2 * HOUR_S
    watched = watch({1: [found()]}, past=[signal("novelty", at - age_s)])
    show(watched, row(1, hours=2.0))
    assert len(watched.harvest(0.0).signals) == raised
    other = watch({1: [found()]}, past=[signal("novelty", DEPLOYED_AT - 1)])
    show(other, row(1))
    assert len(other.harvest(0.0).signals) == 1


@pytest.mark.parametrize(
    ("one", "warns", "raises_rate"),
    [
        (found(SILENT, silent=True), False, True),
        (found(silent=True), False, True),
        (found(), True, True),
        (found("cluster"), True, False),
        (found("label", silent=True), False, False),
        (found(alarm=False), False, False),
    ],
)
def test_a_silent_alarm_only_raises_the_shadow_rate(watch, one, warns, raises_rate):
    """Of inputs that are unlike the reference, so only alarms of novelty do; for as long as a warning would."""
    watched = watch({2: [one]})
    show(watched, row(1, hours=1.0))
    assert not watched.warned(DEPLOYED_AT + HOUR_S)
    show(watched, row(2, hours=1.0))
    assert watched.warned(DEPLOYED_AT + 1.9 * HOUR_S) is raises_rate
    assert not watched.warned(DEPLOYED_AT + 2.0 * HOUR_S)
    assert bool(watched.harvest(0.0).signals) is warns


def test_a_silent_alarm_outlasts_a_restart(watch):
    """When it was is known from its reading."""
    watched = watch(alarmed=DEPLOYED_AT)
    assert watched.warned(DEPLOYED_AT + HOUR_S - 1)
    assert not watched.warned(DEPLOYED_AT + HOUR_S)


def test_an_alarm_that_goes_on_keeps_the_rate_up(watch):
    """Alarms within the cooldown of a warning warn nobody again, but the shadow rate stays raised."""
    watched = watch({1: [found()], 2: [found()]})
    show(watched, row(1, hours=1.0), row(2, hours=1.5))
    assert watched.warned(DEPLOYED_AT + 2.4 * HOUR_S)


def test_a_harvest_is_given_once(watch):
    """Readings, signals and states of what was seen since the last; then only the states, and where they stand."""
    watched = watch({1: [found(), found("cluster", alarm=False)]})
    show(watched, row(1))
    harvest = watched.harvest(DEPLOYED_AT + 5)
    said = [(reading.detector, reading.at - DEPLOYED_AT, reading.alarm) for reading in harvest.readings]
    assert said == [("novelty", 1.0, True), ("cluster", 1.0, False), ("cluster", 5.0, False)]
    assert (harvest.readings[0].samples, harvest.readings[0].score, harvest.readings[0].evidence) == (7, 0.5, 1.1)
    assert [(state.task, state.detector, state.reference_id, state.state) for state in harvest.states] == [
        (TASK, "novelty", "key", b"1")
    ]
    again = watched.harvest(DEPLOYED_AT + 6)
    assert (len(again.readings), again.signals, again.states) == (1, [], harvest.states)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (found("cluster", worst="1"), [7, 3]),
        (found("label", worst="refund"), [6, 4]),
        (found("label", worst="unseen", names=frozenset({"refund", "unseen"})), [7, 5]),
        (found("label", worst="rare", names=frozenset({"refund", "status"})), [5]),
        (found("cluster", worst="rare", names=frozenset({"1", "2"})), [5, 4, 1]),
        (found("label", worst="gone"), []),
        (found("novelty"), [5, 3]),
    ],
)
def test_examples_belong_to_what_grew(watch, one, expected):
    """The newest of the cluster or word; those without a known word; for novelty the strangest that are flagged."""
    watched = watch({7: [one]})
    shown = {
        1: (0.0, 0, {}),
        2: (None, None, {"length": "to_16"}),
        3: (0.6, 1, {}),
        4: (0.0, 0, {"label": "refund"}),
        5: (0.9, 0, {"label": "cancel"}),
        6: (0.1, 2, {"label": "refund"}),
        7: (0.0, 1, {"label": "status"}),
    }
    for number, (novelty, cluster, words) in shown.items():
        show(watched, row(number), novelty=novelty, cluster=cluster, words=words)
    (raised,) = watched.harvest(0.0).signals
    assert list(raised.example_ids) == [f"x{number:05d}" for number in expected]
    assert raised.worst == one.evidence.worst


def test_examples_are_few_and_recent(watch):
    """Five at most, of the last inputs only; one that is remembered, but not counted, may be among them."""
    watched = watch({1: [found()]})
    for number in range(REMEMBERED + 9):
        watched.remember(row(number), 0.9 - number / 1000, 0, {})
    show(watched, row(900), novelty=0.95)
    (raised,) = watched.harvest(0.0).signals
    assert raised.example_ids == ("x00900", *(f"x{10 + number:05d}" for number in range(4)))


def test_warnings_of_30_days_are_counted_for_each_detector(watch):
    """Whichever student served; retraining signals and other detectors are none of its own."""
    now, month = DEPLOYED_AT + HOUR_S, 30 * 86400.0
    past = [
        signal("novelty", now - month - 1),
        signal("novelty", now - month),
        signal("novelty", now - 5),
        signal("cluster", now - 5),
        signal("cluster", now - 4, SignalKind.RETRAIN),
        signal("agreement", now - 3),
    ]
    watched = watch({1: [found("label")]}, past=past)
    show(watched, row(1, hours=0.5))
    counts = watched.alarms_30d(at=now)
    assert set(counts) == set(REASONS)
    assert {name: count for name, count in counts.items() if count} == {"novelty": 2, "cluster": 1, "label": 1}


@pytest.mark.parametrize(("silent", "told"), [(True, 2), (False, 4)])
def test_where_a_silent_detector_stands_is_told_once_a_minute(watch, silent, told):
    """A busy task has many batches a second, and nobody waits for it."""

    class Standing(Script):
        def standing(self, at: float) -> Sequence[Found]:
            return [_at(found(SILENT, alarm=False, silent=silent), at)]

    made, begin = watch(panels=[Standing()]), DEPLOYED_AT - DEPLOYED_AT % 60 + 60
    rows = [reading for after in (0, 1, 59, 60) for reading in made.harvest(begin + after).readings]
    assert len(rows) == told
