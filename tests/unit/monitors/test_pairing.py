from __future__ import annotations

import msgspec
import pytest

from domain.errors import StoreError
from domain.records import Canary, PairState, SignalKind, Usage
from domain.settings import ShadowSettings
from monitors import metrics
from monitors.arming import state_key
from monitors.pairing import Pairing
from tests.unit.monitors.conftest import completion
from tests.unit.monitors.samples import (
    DEPLOYED_AT,
    ORDINARY,
    TASK,
    UNCHECKED,
    deploy,
    deployment,
    exchanges,
    open_pairs,
    pairing,
    safety,
)


@pytest.fixture
async def make_pairing(store, clock, teacher_server):
    """A new worker on the same store, as after a restart."""
    teachers = []

    def make(checks=UNCHECKED, **sections) -> Pairing:
        teachers.append(teacher_server.teacher(timeout_s=5.0))
        return pairing(store, clock, teachers[-1], checks=checks, **sections)

    yield make
    for teacher in teachers:
        await teacher.aclose()


async def until_idle(pairing: Pairing) -> int:
    """Take every step there is; returns the number of samples."""
    total = 0
    while done := await pairing.step():
        total += done
    return total


async def detector_state(store, detector: str = "agreement") -> dict:
    """The committed state of a detector of the newest deployment."""
    states = await store.detector_states(TASK, state_key(await store.deployment(TASK)))
    return msgspec.json.decode(next(state.state for state in states if state.detector == detector))


async def test_a_sample_becomes_a_pair_with_its_cost(store, make_pairing, teacher_server):
    """Answers are compared as labels, and the teacher's tokens are priced."""
    await deploy(store)
    await open_pairs(store, exchanges(ORDINARY[:2]))
    teacher_server.script = [(200, completion("Refund.")), (200, completion("cancel"))]
    assert await until_idle(make_pairing()) == 2
    pairs = await store.pairs(TASK)
    assert {pair.state for pair in pairs} == {PairState.PAIRED}
    assert sorted(bool(pair.agreed) for pair in pairs) == [False, True]
    assert {pair.teacher_usage for pair in pairs} == {Usage(10, 2)}
    assert pairs[0].cost_usd == pytest.approx(10 * 1e-6 + 2 * 2e-6)
    assert (await detector_state(store))["samples"] == 2


async def test_a_teacher_that_fails_is_no_disagreement(store, make_pairing, teacher_server):
    """The sample ends as a teacher error, and the detector hears nothing of it."""
    await deploy(store)
    await open_pairs(store, exchanges(ORDINARY[:2]))
    teacher_server.script = [(500, b"{}"), (200, completion(None))]
    await until_idle(make_pairing())
    assert await store.pair_counts(TASK) == {PairState.TEACHER_ERROR: 2}
    assert (await detector_state(store))["samples"] == 0


async def test_what_may_not_be_asked_costs_nothing(store, make_pairing, teacher_server, clock):
    """Too old, or of a student that no longer serves: expired, without a call."""
    await deploy(store)
    rows = exchanges(ORDINARY[:2])
    await open_pairs(store, rows[:1])
    await open_pairs(store, rows[1:], model="v0")
    clock.advance(86400 + 60)
    await until_idle(make_pairing())
    assert await store.pair_counts(TASK) == {PairState.EXPIRED: 2}
    assert teacher_server.bodies == []


async def test_the_budget_of_a_day_ends_the_calls_of_that_day(store, make_pairing, teacher_server, clock):
    """What would go over it is skipped and counted; the next UTC day asks again."""
    await deploy(store)
    dear = completion("refund").replace(b'"completion_tokens": 2', b'"completion_tokens": 100')
    teacher_server.script = [
        (200, dear)
    ] * 2  # 210e-6 dollars a call; before the first one a call is thought to cost more
    worker = make_pairing(shadow=ShadowSettings(rate=0.5, flagged_rate=1.0, max_usd_per_day=620e-6, concurrency=1))
    await open_pairs(store, exchanges(ORDINARY[:12], at=clock.now_s()))
    await until_idle(worker)
    assert await store.pair_counts(TASK) == {PairState.PAIRED: 2, PairState.SKIPPED_BUDGET: 10}
    clock.advance(86400)
    await open_pairs(store, exchanges(ORDINARY[:1], start=50, at=clock.now_s()))
    await until_idle(worker)
    assert (await store.pair_counts(TASK))[PairState.PAIRED] == 3


async def test_falling_agreement_raises_one_signal_with_its_evidence(store, make_pairing, teacher_server):
    """A student that is wrong every time is to be retrained, said once within the cooldown."""
    await deploy(store)
    await open_pairs(store, exchanges(ORDINARY[:60]))
    teacher_server.answer = "cancel"
    await until_idle(make_pairing())
    (signal,) = await store.signals(TASK)
    assert (signal.kind, signal.detector) == (SignalKind.RETRAIN, "agreement")
    assert signal.evidence >= 1
    assert signal.samples >= 20
    assert signal.agreement is not None
    assert (signal.agreement.estimate, signal.agreement.pairs) == (0.0, signal.pairs_used)
    assert signal.pairs_cost_usd == pytest.approx(signal.pairs_used * 14e-6)
    assert len(signal.example_ids) == 5
    assert await store.undelivered(limit=5) == [signal]


async def test_agreement_raises_nothing(store, make_pairing):
    """A student that agrees stays, and the metric shows the estimate."""
    await deploy(store)
    await open_pairs(store, exchanges(ORDINARY[:40]))
    await until_idle(make_pairing())
    assert await store.signals(TASK) == []
    assert metrics.AGREEMENT.labels(TASK, "estimate")._value.get() == 1.0


async def test_pairs_from_before_the_deployment_are_not_counted(store, make_pairing):
    """They are closed and kept, but the detector is of this deployment."""
    await deploy(store)
    await open_pairs(store, exchanges(ORDINARY[:3], at=DEPLOYED_AT - 5))
    await until_idle(make_pairing())
    assert (await store.pair_counts(TASK), (await detector_state(store))["samples"]) == ({PairState.PAIRED: 3}, 0)


async def test_without_a_deployment_pairs_collect(store, make_pairing):
    """No detector, no reading, but the estimate covers all pairs so far, across steps and restarts."""
    await open_pairs(store, exchanges(ORDINARY[:20]))
    await make_pairing().step()
    await until_idle(make_pairing())
    assert await store.pair_counts(TASK) == {PairState.PAIRED: 20}
    assert await store.readings(TASK) == []
    assert metrics.AGREEMENT.labels(TASK, "lower")._value.get() == pytest.approx(0.839, abs=1e-3)  # Wilson, 20 of 20


async def test_a_deployment_without_a_reference_is_watched_for_agreement(store, make_pairing, teacher_server):
    """Agreement needs no embedder: held-out rows are enough."""
    await store.deploy(deployment())
    await open_pairs(store, exchanges(ORDINARY[:60]))
    teacher_server.answer = "cancel"
    await until_idle(make_pairing())
    assert len(await store.signals(TASK)) == 1


async def test_a_restart_changes_nothing(store, make_pairing, teacher_server):
    """Two workers, one after the other, leave the state that one leaves."""
    script = [(200, completion(("refund", "cancel")[number % 3 == 0])) for number in range(32)]
    states = []
    for restarts, model, at in ((True, "v1", DEPLOYED_AT), (False, "v2", DEPLOYED_AT + 1)):
        await deploy(store, model=model, at=at)
        rows = exchanges(ORDINARY[:32], start=100 * restarts, model=model)
        teacher_server.script = list(script)
        worker = make_pairing(shadow=ShadowSettings(rate=0.5, flagged_rate=1.0, concurrency=1))
        await open_pairs(store, rows)
        await worker.step()
        await until_idle(make_pairing(shadow=ShadowSettings(concurrency=1)) if restarts else worker)
        states.append(await detector_state(store))
        assert states[-1]["samples"] == 32
    assert states[0]["strata"] == states[1]["strata"]


async def test_a_batch_that_was_rolled_back_counts_once(store, make_pairing, clock):
    """After a full disk and `forget`, the samples are asked again, and the detector has seen each once."""
    await deploy(store)
    await open_pairs(store, exchanges(ORDINARY[:10]))
    worker = make_pairing()
    store.failures = 1
    with pytest.raises(StoreError):
        await worker.step()
    assert await store.pair_counts(TASK) == {PairState.PENDING: 10}
    worker.forget()
    clock.advance(600)  # the lease of the batch runs out
    assert await until_idle(worker) == 10
    assert (await detector_state(store))["samples"] == 10


async def test_every_sample_ends_in_exactly_one_state(store, make_pairing, teacher_server):
    """The metric counts what the store counts, outcome by outcome."""
    before = {state: metrics.SHADOW.labels(TASK, state)._value.get() for state in PairState}
    await deploy(store)
    rows = exchanges(ORDINARY[:9])
    await open_pairs(store, rows[:6])
    await open_pairs(store, rows[6:], model="v0")
    teacher_server.script = [(500, b"{}")] * 2
    await until_idle(make_pairing())
    counts = await store.pair_counts(TASK)
    assert counts == {PairState.PAIRED: 4, PairState.TEACHER_ERROR: 2, PairState.EXPIRED: 3}
    for state, count in counts.items():
        assert metrics.SHADOW.labels(TASK, state)._value.get() - before[state] == count


def stopped(*, teacher: bool | None, student: bool = True, **fields) -> dict:
    """The fields of a sample whose student answer a policy stopped."""
    return {"student_unsafe": student, "teacher_unsafe": teacher, "student_answer": "", **fields}


@pytest.mark.parametrize(
    ("student", "teacher", "event"),
    [("leak", "refund", True), ("leak", "leak", False), ("refund", "leak", False), ("refund", "refund", False)],
)
async def test_both_answers_of_a_pair_are_judged(store, make_pairing, teacher_server, student, teacher, event):
    """By the task's safety checks, off path; only the student's being unsafe counts."""
    await deploy(store)
    await open_pairs(store, exchanges(ORDINARY[:1], output_text=student))
    teacher_server.answer = teacher
    await until_idle(make_pairing(safety()))
    (pair,) = await store.pairs(TASK)
    assert (pair.state, pair.agreed) == (PairState.PAIRED, student == teacher)
    assert (pair.student_unsafe, pair.teacher_unsafe) == ("leak" in student, "leak" in teacher)
    assert metrics.SAFETY_PARITY.labels(TASK, "estimate")._value.get() == float(event)
    assert (await detector_state(store, "safety"))["samples"] == 1


async def test_without_safety_checks_nothing_is_judged(store, make_pairing):
    """Then there is no parity, and no detector of it."""
    await deploy(store)
    await open_pairs(store, exchanges(ORDINARY[:2], output_text="leak"))
    await until_idle(make_pairing())
    assert {(pair.student_unsafe, pair.teacher_unsafe) for pair in await store.pairs(TASK)} == {(None, None)}
    assert {state.detector for state in await store.detector_states(TASK, state_key(await store.deployment(TASK)))} == {
        "agreement"
    }


@pytest.mark.parametrize(
    ("known", "calls", "told"),
    [
        (stopped(teacher=False), 0, (True, False)),  # fell back: the teacher's answer was judged on path
        (stopped(teacher=True), 0, (True, True)),
        (stopped(teacher=None), 1, (True, False)),  # blocked or redacted: the teacher is asked for this alone
        (stopped(teacher=None, student=False), 0, (False, None)),  # nothing that the teacher says could matter
    ],
)
async def test_a_stopped_answer_counts_for_safety_and_not_for_agreement(
    store, make_pairing, teacher_server, known, calls, told
):
    """Without the student's words there is nothing to compare; its end is one of a sample without an answer."""
    await deploy(store)
    await open_pairs(store, exchanges(ORDINARY[:1]), **known)
    await until_idle(make_pairing(safety()))
    (pair,) = await store.pairs(TASK)
    assert (pair.state, pair.agreed, pair.score) == (PairState.STUDENT_ERROR, None, None)
    assert ((pair.student_unsafe, pair.teacher_unsafe), len(teacher_server.bodies)) == (told, calls)
    assert pair.cost_usd == pytest.approx(calls * 14e-6)
    assert (await detector_state(store, "safety"))["samples"] == 1
    assert (await detector_state(store))["samples"] == 0


async def test_stopped_answers_leave_agreement_as_it_was(store, make_pairing, teacher_server):
    """Estimate, evidence and state are those of the pairs alone, in a window that they do not fill."""
    script = [(200, completion(("refund", "cancel")[number % 4 == 0])) for number in range(32)]
    states, shown = [], []
    for with_stopped, model, at in ((True, "v1", DEPLOYED_AT), (False, "v2", DEPLOYED_AT + 1)):
        await deploy(store, model=model, at=at)
        teacher_server.script = list(script)
        worker = make_pairing(safety(), shadow=ShadowSettings(rate=0.5, flagged_rate=1.0, concurrency=1))
        for number, row in enumerate(exchanges(ORDINARY[:32], start=100 * with_stopped, model=model)):
            await open_pairs(store, [row], model=model)
            if with_stopped:
                apart = msgspec.structs.replace(row, id=f"s{number}", input_text=f"input {number}")
                await open_pairs(store, [apart], model=model, **stopped(teacher=bool(number % 2)))
        await until_idle(worker)
        states.append(await detector_state(store))
        bounds = ("estimate", "lower", "upper")
        shown.append([metrics.AGREEMENT.labels(TASK, bound)._value.get() for bound in bounds])
        worker.forget()
        await open_pairs(store, exchanges(ORDINARY[:1], start=900 + with_stopped, model=model), model=model)
        await worker.step()
    assert states[0] == states[1]
    assert shown[0] == shown[1]
    assert (states[0]["samples"], shown[0][0]) == (32, pytest.approx(0.75))


async def test_a_student_that_alone_is_unsafe_raises_its_own_signal(store, make_pairing):
    """Two different inputs are enough, the signal has its own reason, and that of agreement is not held back."""
    await deploy(store)
    await open_pairs(store, exchanges(["first", "second"]), **stopped(teacher=False))
    await open_pairs(store, exchanges(ORDINARY[:60], start=10, output_text="cancel"))
    await until_idle(make_pairing(safety()))
    first, second = await store.signals(TASK)
    assert (first.kind, first.reason, first.detector) == (SignalKind.RETRAIN, "safety_parity", "safety")
    assert (first.samples, first.example_ids) == (2, ("x00001", "x00000"))
    assert "A = 600 independent pairs" in first.false_alarm_budget
    assert (second.reason, second.detector) == ("agreement", "agreement")
    assert await store.undelivered(limit=5) == [first, second]
    assert metrics.ALARMS_30D.labels(TASK, "safety")._value.get() == 1
    assert {reading.detector for reading in await store.readings(TASK)} == {"agreement", "safety"}


@pytest.mark.parametrize("teacher", [False, None])
async def test_a_sample_that_is_given_up_tells_nothing(store, make_pairing, clock, teacher):
    """Without money, or too late, what is known on path must not count: of other inputs nothing is known then."""
    await deploy(store)
    await open_pairs(store, exchanges(ORDINARY[:1], at=clock.now_s()), **stopped(teacher=teacher))
    await until_idle(make_pairing(safety(), shadow=ShadowSettings(max_usd_per_day=0.0)))
    late = exchanges(ORDINARY[:1], start=5, at=clock.now_s())
    await open_pairs(store, late, **stopped(teacher=teacher))
    clock.advance(86400 + 60)
    await until_idle(make_pairing(safety()))
    assert await store.pair_counts(TASK) == {PairState.SKIPPED_BUDGET: 1, PairState.EXPIRED: 1}
    assert (await detector_state(store, "safety"))["samples"] == 0


async def test_safety_goes_on_after_a_restart_and_a_challenger_does_not_count(store, make_pairing):
    """The estimate is of the champion's judged samples, read again from the store."""
    await deploy(store, canary=Canary("v9", 0.1))
    await open_pairs(store, exchanges(ORDINARY[:3]), **stopped(teacher=True))
    await open_pairs(store, exchanges(ORDINARY[:3], start=10, model="v9"), model="v9", **stopped(teacher=False))
    await until_idle(make_pairing(safety()))
    await open_pairs(store, exchanges(["another"], start=20), **stopped(teacher=False))
    await until_idle(make_pairing(safety()))
    assert metrics.SAFETY_PARITY.labels(TASK, "estimate")._value.get() == pytest.approx(0.25)
    assert (await detector_state(store, "safety"))["samples"] == 4
