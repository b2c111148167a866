from __future__ import annotations

import logging

import msgspec
import pytest

from domain.ports import Evidence, Observation
from domain.records import Signal, SignalKind
from domain.settings import AgreementSettings, DriftSettings
from domain.store import WorkBatch
from monitors import arming
from monitors.detectors.agreement import AgreementDetector
from monitors.detectors.none import NoDetector
from monitors.hourly_pairs import HourlyPairs
from tests.unit.monitors.samples import DEPLOYED_AT, TASK, deploy, deployment, settings

DISAGREED = Observation(at=0.0, counts=(1.0,), stratum="ordinary")


def signal(at: float, kind: SignalKind = SignalKind.RETRAIN, model: str = "v1") -> Signal:
    """A signal raised at a time."""
    return Signal(
        id=f"signal-{at}-{kind}", task=TASK, kind=kind, reason="agreement", at=at, detector="agreement", model=model,
        evidence=1.0, samples=100, false_alarm_budget="one",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("drift", "agreement", "words"),
    [
        ({}, {"pairs_per_day": 200}, "this one has 30% of it (A = 20,000 independent pairs, 200 a day)"),
        ({"detector": "none"}, {}, "this one has 100% of it (A = 6,000 independent pairs, 200 a day)"),
        ({}, {"pairs_per_day": 0.01}, "A = 10 independent pairs"),
        ({}, {"false_alarm_days": 7}, "one false alarm in 7 days over all detectors"),
    ],
)
def test_the_budget_is_shared_by_the_detectors_that_can_alarm(drift, agreement, words):
    """A is samples a day times days over its part, never so low that one event would alarm, and said in words."""
    task = settings(
        drift=DriftSettings(**{"detector": "per-sample"} | drift),
        agreement=AgreementSettings(**{"detector": "per-sample"} | agreement),
    )
    assert words in arming.agreement_detector(task, deployment()).budget()


@pytest.mark.parametrize(
    ("detector", "kind"), [("per-sample", AgreementDetector), ("none", NoDetector), ("windowed", HourlyPairs)]
)
async def test_settings_choose_the_detector(store, detector, kind):
    """All keep the name under which readings and states are kept."""
    await deploy(store)
    task = settings(agreement=AgreementSettings(detector=detector))
    armed = await arming.arm_pairing(store, task, await store.deployment(TASK), at=DEPLOYED_AT)
    assert isinstance(armed.detector, kind)
    assert armed.detector.name == "agreement"


def test_a_student_without_held_out_rows_is_not_tested_and_the_log_says_so(caplog):
    """There is nothing to hold it to, and nobody should believe otherwise."""
    with caplog.at_level(logging.WARNING):
        made = arming.agreement_detector(settings(), deployment(baselines={}))
    assert isinstance(made, NoDetector)
    assert caplog.records[0].message.startswith("agreement_not_armed task=intent")


async def test_it_goes_on_from_the_committed_state(store):
    """A detector that is armed again stands where it stood when the batch was committed."""
    task = settings()
    await deploy(store)
    armed = await arming.arm_pairing(store, task, await store.deployment(TASK), at=DEPLOYED_AT)
    armed.detector.update(DISAGREED)
    await store.commit(WorkBatch(owner="w", at=DEPLOYED_AT, states=[armed.state()]))
    expected = armed.detector.update(DISAGREED)
    again = await arming.arm_pairing(store, task, await store.deployment(TASK), at=DEPLOYED_AT)
    assert again.detector.update(DISAGREED) == expected
    assert expected.samples == 2


async def test_a_state_of_another_kind_of_detector_starts_afresh(store, caplog):
    """Switching the detector on in the configuration does not end the worker, and is said."""
    await deploy(store)
    found = await store.deployment(TASK)
    silent = await arming.arm_pairing(
        store, settings(agreement=AgreementSettings(detector="none")), found, at=DEPLOYED_AT
    )
    silent.detector.update(DISAGREED)
    await store.commit(WorkBatch(owner="w", at=DEPLOYED_AT, states=[silent.state()]))
    with caplog.at_level(logging.WARNING):
        armed = await arming.arm_pairing(store, settings(), found, at=DEPLOYED_AT)
    assert armed.detector.update(DISAGREED).samples == 1
    assert [record.message.split()[0] for record in caplog.records] == ["detector_starts_afresh"]


async def test_alarms_of_a_month_are_counted_whichever_student_served(store):
    """Signals of 30 days, of this kind only; the cooldown looks at this deployment's only."""
    month = 30 * 86400.0
    now = DEPLOYED_AT + 1000
    raised = [
        signal(now - month - 1, model="v0"),
        signal(DEPLOYED_AT - 10, model="v0"),
        signal(DEPLOYED_AT + 10),
        signal(DEPLOYED_AT + 11, SignalKind.WARNING),
    ]
    await deploy(store)
    await store.commit(WorkBatch(owner="w", at=now, signals=raised))
    armed = await arming.arm_pairing(store, settings(), await store.deployment(TASK), at=now)
    assert armed.alarms_30d(SignalKind.RETRAIN, at=now) == 2
    assert [one.at for one in armed.signals] == [DEPLOYED_AT + 10, DEPLOYED_AT + 11]


async def test_alarms_of_agreement_and_of_safety_are_counted_apart(store):
    """Both raise retraining signals; each detector is held against its own budget."""
    await deploy(store)
    other = msgspec.structs.replace(signal(DEPLOYED_AT + 12), detector="safety", reason="safety_parity")
    await store.commit(WorkBatch(owner="w", at=DEPLOYED_AT, signals=[signal(DEPLOYED_AT + 10), other]))
    found = await store.deployment(TASK)
    for arm in (arming.arm_pairing, arming.arm_parity):
        armed = await arm(store, settings(), found, at=DEPLOYED_AT + 20)
        assert armed.alarms_30d(SignalKind.RETRAIN, at=DEPLOYED_AT + 20) == 1


@pytest.mark.parametrize(
    ("agreement", "words"),
    [
        (AgreementSettings(), "one false alarm in 30 days at 200 pairs a day (A = 6,000 independent pairs)"),
        (AgreementSettings(detector="none", pairs_per_day=1000.0), "at 1,000 pairs a day (A = 30,000 independent"),
        (AgreementSettings(pairs_per_day=0.01), "A = 10 independent pairs"),
    ],
)
def test_the_safety_detector_has_a_budget_of_its_own(agreement, words):
    """As often as agreement may be wrong, whatever watches agreement; and the rate that it tolerates is said."""
    made = arming.safety_detector(settings(agreement=agreement))
    assert words in made.budget()
    assert "on at most 0.1% of any kind of input" in made.budget()


def test_states_belong_to_one_deployment():
    """The same student with the same reference, deployed again, begins again."""
    assert arming.state_key(deployment("r")) != arming.state_key(deployment("r", at=DEPLOYED_AT + 1))
    assert arming.state_key(deployment("r")) == arming.state_key(deployment("r"))


async def test_a_reading_names_detector_model_and_time(store):
    """It is what the detector said, placed in the time series of its task."""
    await deploy(store)
    armed = await arming.arm_pairing(store, settings(), await store.deployment(TASK), at=DEPLOYED_AT)
    reading = armed.reading(Evidence(samples=3, score=0.9, evidence=0.2, alarm=False), 7.0)
    assert (reading.task, reading.detector, reading.model, reading.at) == (TASK, "agreement", "v1", 7.0)
    assert (reading.samples, reading.score, reading.evidence, reading.alarm) == (3, 0.9, 0.2, False)
