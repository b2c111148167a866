from __future__ import annotations

import hashlib

import msgspec
import pytest

from domain import comparers
from domain.errors import StoreError
from domain.prices import Price
from domain.records import SignalKind
from domain.settings import ShadowSettings, TeacherCheckSettings
from monitors import metrics
from monitors.budget import Budget
from monitors.comparers.plain import PlainComparer
from monitors.prompts import Prompt
from monitors.rechecking import Rechecker
from monitors.teacher_check import TeacherCheck
from tests.unit.monitors.conftest import completion
from tests.unit.monitors.samples import DEPLOYED_AT, TASK, deployment, settings

DAY_S = 86400.0
PROMPTS = [
    Prompt(
        hashlib.sha256(b"%d" % n).hexdigest(),
        msgspec.json.encode({"messages": [{"role": "user", "content": f"input {n}"}]}),
        f"input {n}",
    )
    for n in range(10)
]
ROUNDS = 5  # the first answers and the baseline, all at once


@pytest.fixture
async def make_check(store, clock, teacher_server):
    """A new worker on the same store, as after a restart."""
    teachers = []

    def make(owner="w", prompts=PROMPTS, **shadow) -> TeacherCheck:
        limits = ShadowSettings(**{"rate": 0.5, "flagged_rate": 1.0, "timeout_s": 5.0} | shadow)
        teachers.append(teacher_server.teacher(**shadow))
        comparer, price, task = PlainComparer(comparers.label), Price(1.0, 2.0), settings(shadow=limits)
        return TeacherCheck(
            TASK,
            task,
            TeacherCheckSettings(prompts="canaries.jsonl"),
            prompts=prompts,
            rechecker=Rechecker(TASK, "gold", teacher=teachers[-1], price=price, comparer=comparer),
            budget=Budget(TASK, task, price=price, store=store, clock=clock),
            store=store,
            clock=clock,
            owner=owner,
        )

    yield make
    for teacher in teachers:
        await teacher.aclose()


async def until_idle(check: TeacherCheck) -> int:
    """Take steps until two in a row find nothing to do; returns how many prompts were answered."""
    total, idle = 0, 0
    while idle < 2:
        done = await check.step()
        total, idle = total + done, 0 if done else idle + 1
    return total


async def rounds_closed(store) -> int:
    """How many rounds are in the store."""
    return len(await store.readings(TASK))


async def days(check, clock, count: int) -> int:
    """So many days, looked at in the morning; returns how many prompts were answered."""
    total = 0
    for _ in range(count):
        clock.advance(DAY_S + 10)
        total += await until_idle(check)
    return total


async def test_prompts_are_asked_at_once_and_then_every_day(store, make_check, teacher_server, clock):
    """First answers and baseline without a wait, then a round a day; every answer is kept with its cost."""
    check = make_check()
    assert await until_idle(check) == ROUNDS * len(PROMPTS)
    assert await rounds_closed(store) == ROUNDS
    clock.advance(3600)
    assert await until_idle(check) == 0
    assert await days(check, clock, 2) == 2 * len(PROMPTS)
    rechecks = await store.rechecks(TASK)
    assert len(rechecks) == len(teacher_server.bodies) == (ROUNDS + 2) * len(PROMPTS)
    assert [recheck.agreed for recheck in rechecks].count(None) == len(PROMPTS)
    assert all(recheck.agreed for recheck in rechecks[len(PROMPTS) :])
    assert await store.spent_usd(TASK, since=0.0) == pytest.approx(len(rechecks) * 14e-6)
    assert await store.signals(TASK) == []


async def test_another_teacher_behind_the_name_is_a_warning(store, make_check, teacher_server, clock):
    """Said once within the cooldown, about the teacher; until then nothing."""
    before = metrics.SIGNALS.labels(TASK, "teacher_drift")._value.get()
    check = make_check()
    await until_idle(check)
    await days(check, clock, 3)
    assert await store.signals(TASK) == []
    teacher_server.answer = "cancel"
    await days(check, clock, 1)
    (signal,) = await store.signals(TASK)
    assert (signal.kind, signal.reason, signal.model) == (SignalKind.WARNING, "teacher_drift", "gold")
    assert signal.drift_scores == {"teacher": 1.0}
    assert "one false alarm in 30 days at 1 rounds of 10 prompts a day" in signal.false_alarm_budget
    assert metrics.SIGNALS.labels(TASK, "teacher_drift")._value.get() - before == 1
    (reading,) = (await store.readings(TASK))[-1:]
    assert (reading.alarm, reading.at) == (True, signal.at)


async def test_a_killed_worker_leaves_a_round_that_is_completed(store, make_check, teacher_server, clock):
    """Nothing is asked twice: what was answered counts, and the evidence is what it would have been."""
    check = make_check()
    await until_idle(check)
    teacher_server.answer = "cancel"
    clock.advance(DAY_S + 10)
    assert [await check.step(), await check.step()] == [4, 4]
    clock.advance(300)  # the claim of the dead one has ended
    other = make_check("other")
    assert await until_idle(other) == 2
    assert len(await store.rechecks(TASK)) == len(teacher_server.bodies) == (ROUNDS + 1) * len(PROMPTS)
    assert [signal.reason for signal in await store.signals(TASK)] == ["teacher_drift"]
    assert await until_idle(make_check("other")) == 0


async def test_one_worker_asks_at_a_time(store, make_check, teacher_server, clock):
    """The other one waits as long as the first is alive, and reads what was asked meanwhile when it takes over."""
    one, other = make_check("one"), make_check("other")
    assert await one.step() == 4
    assert await until_idle(other) == 0
    assert await until_idle(one) == ROUNDS * len(PROMPTS) - 4
    clock.advance(DAY_S + 10)
    assert await until_idle(other) == len(PROMPTS)
    assert await until_idle(one) == 0
    clock.advance(DAY_S + 10)
    assert await until_idle(one) == len(PROMPTS)
    assert len(teacher_server.bodies) == len(await store.rechecks(TASK)) == (ROUNDS + 2) * len(PROMPTS)


async def test_the_money_of_a_day_is_respected(store, make_check, teacher_server, clock):
    """Nothing is asked when it is spent; the round goes on the next day, and then the one that is due."""
    check = make_check(max_usd_per_day=600e-6)
    assert await until_idle(check) == 42  # 14e-6 dollars each
    clock.advance(1800)
    assert await until_idle(check) == 0
    assert await rounds_closed(store) == 4
    clock.advance(DAY_S)
    assert await until_idle(check) == 8 + len(PROMPTS)
    assert await rounds_closed(store) == ROUNDS + 1
    assert await store.spent_usd(TASK, since=clock.now_s() - 60) == pytest.approx(18 * 14e-6)


async def test_a_prompt_that_fails_is_tried_three_times_and_left_out(store, make_check, teacher_server, clock):
    """After the others, then ten minutes apart; the round is closed without it, and later ones do not ask it."""
    check = make_check(concurrency=1)
    teacher_server.script = [(200, completion("refund")), (400, b"{}")]
    assert await until_idle(check) == 1
    clock.advance(601)
    teacher_server.script = [(200, completion("refund"))] * 8 + [(400, b"{}")]
    assert await until_idle(check) == 8
    assert await rounds_closed(store) == 0
    teacher_server.script = [(400, b"{}")]
    clock.advance(599)
    assert await until_idle(check) == 0
    assert teacher_server.script
    clock.advance(2)
    assert await until_idle(check) == 0
    assert not teacher_server.script
    clock.advance(601)
    assert await until_idle(check) == (ROUNDS - 1) * (len(PROMPTS) - 1)
    assert await rounds_closed(store) == ROUNDS


async def test_a_teacher_that_is_away_is_waited_for(store, make_check, teacher_server, clock):
    """A round without an answer is none: it goes on when the teacher is back, however long that takes."""
    check = make_check(concurrency=10)
    for _ in range(6):
        teacher_server.script = [(503, b"{}")] * 10
        assert await until_idle(check) == 0
        assert not teacher_server.script
        clock.advance(601)
    assert await rounds_closed(store) == 0
    assert await until_idle(check) == ROUNDS * len(PROMPTS)


async def test_another_student_begins_with_new_first_answers(store, make_check, teacher_server, clock):
    """What the teacher says at its deployment is what counts from then on; a canary share changes nothing."""
    await store.deploy(deployment())
    check = make_check()
    await until_idle(check)
    await store.deploy(deployment(at=DEPLOYED_AT + 61))
    clock.advance(120)
    assert await until_idle(check) == 0
    teacher_server.answer = "cancel"
    await store.deploy(deployment(model="v2", at=clock.now_s()))
    clock.advance(31)
    assert await until_idle(check) == ROUNDS * len(PROMPTS)
    assert await days(check, clock, 2) == 2 * len(PROMPTS)
    assert await store.signals(TASK) == []


async def test_a_failed_commit_is_repeated_and_counts_once(store, make_check, teacher_server, clock):
    """The round is closed by the next step, without asking again."""
    check = make_check()
    store.failures = 1
    with pytest.raises(StoreError):
        await until_idle(check)
    check.forget()
    assert await until_idle(check) == (ROUNDS - 1) * len(PROMPTS)
    assert len(teacher_server.bodies) == ROUNDS * len(PROMPTS)
    assert await rounds_closed(store) == ROUNDS
