from __future__ import annotations

import logging

import msgspec
import numpy as np
import pytest

from domain.errors import ModelError
from domain.records import Reading, SignalKind
from domain.settings import DriftSettings
from domain.store import WorkBatch
from embedders.hashing import HashingEmbedder
from monitors import arming_inputs
from monitors.hour_book import hours_of
from monitors.inputs import SILENT
from monitors.per_sample import PerSamplePanel
from monitors.traffic import input_series
from tests.unit.monitors.samples import (
    NOVEL,
    ORDINARY,
    TASK,
    FailingStore,
    deploy,
    deployment,
    exchange,
    settings,
)
from tests.unit.monitors.weeks import (
    DAY_S,
    HOUR_S,
    SECTIONS,
    START,
    Task,
    at,
    expected,
    fit_of,
    hour_of,
    inputs_at,
    write_days,
)

FAMILIES = {"novelty", "cluster", "label", "length", "language", "schema"}
LATER = FAMILIES - {"novelty"}  # shares: never before they are armed
BUSY, QUIET = {"inputs": 60.0, "pairs": 6.0}, {"inputs": 20.0, "pairs": 2.0}


@pytest.fixture
async def task(store) -> Task:
    """A task whose student was deployed on a Monday at midnight."""
    await deploy(store, at=START)
    return Task(store)


@pytest.mark.parametrize(
    ("volume", "armed", "on_day_3"),
    [(BUSY, 7, "needs 4 more days and a weekend"), (QUIET, 14, "needs 11 more days and a weekend")],
)
async def test_a_task_ripens(task, volume, armed, on_day_3):
    """Numbers only, then novelty is listed after three days, then all are armed, after a week if the task is busy."""
    seen = {}
    for day in range(armed + 2):
        await task.live(ORDINARY[:2], since=at(day, 0.1))
        seen[day] = await task.fits()
        assert set(seen[day]) == FAMILIES
        await write_days(
            task.store, await task.store.deployment(TASK), range(day, day + 1), hours=range(1, 24), **volume
        )
    assert all(fit[:2] == (-1, False) for day in range(3) for fit in seen[day].values())
    assert all(seen[day]["novelty"][:2] == (3, False) for day in range(3, armed))
    assert all(seen[day][name][:2] == (-1, False) for day in range(3, armed) for name in LATER)
    assert {fit[2] for fit in seen[3].values()} == {on_day_3}
    assert set(seen[armed].values()) == {(armed, True, "")}
    assert seen[armed + 1] == seen[armed]


async def test_a_new_topic_is_warned_of_with_examples(task):
    """Once in the cooldown, some hours after it began; the examples are of the topic, the score says how much."""
    await write_days(task.store, await task.store.deployment(TASK), range(8), **BUSY)
    for hour in range(12):
        await task.live(NOVEL + ORDINARY[:24], since=at(8, hour), draw=0.9)
    warnings = {signal.reason: signal for signal in await task.store.signals(TASK)}
    drift = warnings["drift"]
    assert (drift.kind, drift.detector) == (SignalKind.WARNING, "novelty")
    assert at(8) < drift.at <= at(8, 11)
    assert drift.drift_scores["novelty"] > 2
    assert "this one has 30% of it (A = 100 days)" in drift.false_alarm_budget
    rows = await task.store.exchanges_by_id(drift.example_ids)
    assert len(rows) == 5
    assert {row.exchange.input_text for row in rows} <= set(NOVEL)
    flagged = [pair for pair in await task.store.pairs(TASK) if pair.stratum == "flagged"]
    assert flagged


async def test_an_alarm_of_the_last_hour_of_a_day_has_examples(task):
    """They are the inputs of that day, though the detectors of the new day were armed in between."""
    await write_days(task.store, await task.store.deployment(TASK), range(8), **BUSY)
    hour = 0
    while not (await task.store.readings(TASK)) or not _alarm(await task.store.readings(TASK)):
        await task.live(NOVEL + ORDINARY[:24], since=at(8, hour))
        hour += 1
    alarmed = hour - 1  # the hour whose first input told: shift all, so that it is the first of the next day
    other = FailingStore(task.store._database._path.parent / "other.db")
    await other.start()
    await deploy(other, at=START)
    shifted = Task(other)
    await write_days(other, await other.deployment(TASK), range(8), **BUSY)
    await shifted.live(ORDINARY[:1], since=at(8, 0.5))
    for number in range(24 - alarmed, 25):
        await shifted.live(NOVEL + ORDINARY[:24], since=at(8, number))
    (drift,) = [signal for signal in await other.signals(TASK) if signal.reason == "drift"]
    assert drift.at == at(9)
    rows = await other.exchanges_by_id(drift.example_ids)
    assert {row.exchange.input_text for row in rows} <= set(NOVEL)
    assert len(rows) == 5
    await other.aclose()


def _alarm(readings) -> bool:
    return any(reading.detector == "novelty" and reading.alarm for reading in readings)


async def test_what_is_listed_warns_nobody_but_raises_the_shadow_rate(task):
    """Before it is armed, and after a restart as well."""
    await write_days(task.store, await task.store.deployment(TASK), range(4), **BUSY)
    for hour in range(12):
        await task.live(NOVEL + ORDINARY[:24], since=at(4, hour), draw=0.9)
    assert _alarm(await task.store.readings(TASK))
    assert await task.store.signals(TASK) == []
    before = len(await task.store.pairs(TASK))
    assert before > 0
    task.restart()
    await task.live(NOVEL[:3], since=at(4, 12), draw=0.9)
    assert [pair.probability for pair in (await task.store.pairs(TASK))[before:]] == [1.0] * 3


@pytest.mark.parametrize("detector", ["novelty", SILENT, "cluster"])
async def test_the_last_alarm_of_novelty_is_known_after_a_restart(task, embedder, detector):
    """Whether it warned or not, from its reading; for as long as a warning would."""
    one = Reading(
        task=TASK, detector=detector, model="v1", at=at(4), samples=1, score=1.0, evidence=1.1, alarm=True
    )  # fmt: skip
    await task.store.commit(WorkBatch(owner="w", at=at(4), readings=[one]))
    served = await task.store.deployment(TASK)
    watch = await arming_inputs.arm(task.store, settings(**SECTIONS), served, embedder=embedder, at=at(4, 1))
    assert watch.warned(at(4, 23)) is (detector != "cluster")
    assert not watch.warned(at(5))


async def ten_days(store: FailingStore, *, restarts: bool) -> dict:
    """A quiet task from day 10 on: it is armed, a day is marked as expected, a topic comes; what is in the store."""
    await deploy(store, at=START)
    task = Task(store)
    await write_days(store, await store.deployment(TASK), range(10), **QUIET)
    rng = np.random.default_rng(5)
    for day in range(10, 20):
        for hour in (0, 1, 2, 9, 10, 22, 23):
            new = NOVEL if day == 18 or (day, hour) == (15, 9) else []
            texts = [*map(str, rng.permutation(ORDINARY)[:20]), *new]
            if restarts:
                task.restart()
            await task.live(texts, since=at(day, hour), draw=0.3)
        if day == 16:
            await store.expect(expected(5, 6))
            await store.expect(msgspec.structs.replace(expected(5, 6), first_day="2023-12-06", last_day="2023-12-06"))
    series = await store.tallies(TASK, input_series(await store.deployment(TASK)))
    return {
        "states": await task.states(),
        "fits": await task.fits(),
        "readings": await store.readings(TASK),
        "signals": await store.signals(TASK),
        "pairs": await store.pairs(TASK, limit=10_000),
        "hours": hours_of(series),
    }


@pytest.mark.slow
async def test_a_restart_at_any_point_changes_nothing(tmp_path):
    """Another worker for each batch leaves the states, readings, signals, samples and counts that one leaves."""
    left = []
    for restarts in (False, True):
        store = FailingStore(tmp_path / f"{restarts}.db")
        await store.start()
        left.append(await ten_days(store, restarts=restarts))
        await store.aclose()
    one, many = left
    assert set(one) == set(many)
    for name in one:
        assert one[name] == many[name], name
    assert one["fits"]["novelty"] == (14, True, "")
    assert one["fits"]["cluster"] == (17, True, "")  # learned anew, for day 16 was expected
    assert [signal.reason for signal in one["signals"]].count("drift") == 1


async def test_a_new_baseline_starts_the_evidence_afresh(task):
    """A day that was marked is learned when it is over; what was held against the old baseline is forgotten."""
    await write_days(task.store, await task.store.deployment(TASK), range(14), **QUIET)
    for hour in range(2):
        await task.live(NOVEL[:12] + ORDINARY[:12], since=at(14, 20 + hour))
    await task.live(ORDINARY[:1], since=at(14, 22))
    (before,) = [one for one in await task.store.readings(TASK) if one.detector == "novelty"][-1:]
    assert 0.1 < before.evidence < 1
    await task.store.expect(msgspec.structs.replace(expected(0, 0), first_day="2023-12-04", last_day="2023-12-04"))
    await task.live(ORDINARY[:1], since=at(14, 23))
    assert fit_of((await task.states())["novelty"]).expected == 0
    await task.live(ORDINARY[:1], since=at(15))
    await task.live(ORDINARY[:1], since=at(15, 1))
    state = (await task.states())["novelty"]
    assert (fit_of(state).expected, fit_of(state).until) == (1, hour_of(14))
    memory = msgspec.json.decode(state)["memory"]
    assert memory["last"] == hour_of(15)
    assert memory["standing"]["evidence"] < 0.01
    assert memory["standing"]["samples"] == 2  # of the last hour of the marked day, and of the first of the new one


async def test_a_batch_is_split_at_midnight(task):
    """The inputs of the next day are kept with their lease, and committed with the detectors of their day."""
    await write_days(task.store, await task.store.deployment(TASK), range(6), **BUSY)
    await write_days(task.store, await task.store.deployment(TASK), range(6, 7), hours=range(23), **BUSY)
    task.clock.advance(7 * DAY_S)
    rows = inputs_at(0, ORDINARY[:20], since=at(7) - 600, every_s=60.0)
    late = exchange(99, ORDINARY[30], at=at(7) - 1)
    await task.store.append([*rows, late])
    assert await task.watch.step() == 10
    assert (await task.fits())["novelty"][:2] == (3, False) or not (await task.fits())["novelty"][1]
    assert (await task.store.backlog(TASK)).unread == 11
    assert await task.store.lease(TASK, owner="other", limit=99, lease_s=1.0, at=task.clock.now_s()) == []
    assert await task.watch.step() == 11
    assert (await task.fits())["novelty"] == (7, True, "")
    assert await task.watch.step() == 0
    assert (await task.store.backlog(TASK)).unread == 0
    hours = hours_of(await task.store.tallies(TASK, input_series(await task.store.deployment(TASK))))
    assert sum(hours[hour_of(7)].inputs) == 11  # the late one counts in the open hour
    assert sum(hours[hour_of(6, 23)].inputs) == 10


async def test_what_comes_late_decides_nothing_again(task, embedder):
    """A first input of yesterday in a batch of today leaves the baselines of today, and what they wait for."""
    await write_days(task.store, await task.store.deployment(TASK), range(5), **BUSY)
    await task.live(ORDINARY[:2], since=at(5))
    before = await task.fits()
    assert before["novelty"] == (5, False, "needs 2 more days and a weekend")
    await task.live(ORDINARY[2:4], since=at(5) - 90)
    assert await task.fits() == before
    served = await task.store.deployment(TASK)
    late = await arming_inputs.arm(task.store, settings(**SECTIONS), served, embedder=embedder, at=at(5) - 90)
    states = {state.detector: state.state for state in late.harvest(at(5)).states}
    assert fit_of(states["cluster"]).waiting == before["cluster"][2]


async def test_a_family_that_nothing_was_counted_of_goes_on_waiting(task):
    """Labels are told by students only; when one answers, they are learned with the next day."""
    for day in range(14):
        texts = ORDINARY[day : day + 3]
        await task.live(texts, since=at(day), every_s=HOUR_S, model="gold", arm="teacher", usable=False)
    await task.live(ORDINARY[:3], since=at(14), every_s=HOUR_S)
    fits = await task.fits()
    assert fits["novelty"] == (14, True, "")
    assert fits["label"] == (-1, False, "nothing of it was counted")
    await task.live(ORDINARY[:3], since=at(15))
    assert (await task.fits())["label"] == (15, True, "")


async def test_another_student_goes_on_with_the_inputs(task):
    """With the same reference its inputs are watched at once, by what was counted before it, with fresh evidence."""
    await write_days(task.store, await task.store.deployment(TASK), range(8), inputs=60.0)
    first = await task.store.deployment(TASK)
    await task.store.deploy(msgspec.structs.replace(first, model="v2", at=at(8)))
    await write_days(task.store, await task.store.deployment(TASK), range(8), pairs=6.0)
    await task.live(ORDINARY[:2], since=at(8, 0.1), model="v2")
    assert (await task.fits())["novelty"] == (8, True, "")
    assert msgspec.json.decode((await task.states())["novelty"])["memory"]["last"] is None


@pytest.mark.parametrize(
    ("detector", "states"),
    [("windowed", FAMILIES | {SILENT}), ("per-sample", {"novelty", "cluster", "label"}), ("none", set())],
)
async def test_settings_choose_the_detectors(store, embedder, detector, states):
    """Without any, inputs still have their novelty and their cluster."""
    reference = await deploy(store)
    task = settings(drift=DriftSettings(embedder="words", detector=detector))
    watch = await arming_inputs.arm(store, task, await store.deployment(TASK), embedder=embedder, at=START)
    assert {state.detector for state in watch.harvest(START).states} == states
    assert watch.reference.sha256 == reference.sha256


async def test_without_a_reference_nothing_is_watched(store, embedder):
    """A reference that is named but lost, or of another embedder, is an error that says what to do."""
    arm = arming_inputs.arm
    assert await arm(store, settings(), deployment(), embedder=embedder, at=START) is None
    with pytest.raises(ModelError, match="the store has no reference gone"):
        await arm(store, settings(), deployment("gone"), embedder=embedder, at=START)
    await deploy(store)
    with pytest.raises(ModelError, match="built with the embedder hashing"):
        await arm(store, settings(), await store.deployment(TASK), embedder=HashingEmbedder(dimensions=64), at=START)


async def test_a_memory_of_another_configuration_starts_afresh_and_says_so(store, embedder, caplog):
    """It does not end the worker, and the task is named."""
    await deploy(store)
    served = await store.deployment(TASK)
    watch = await arming_inputs.arm(store, settings(), served, embedder=embedder, at=START)
    states = [msgspec.structs.replace(state, state=b'{"other": 1}') for state in watch.harvest(START).states]
    await store.commit(WorkBatch(owner="w", at=START, states=states))
    with caplog.at_level(logging.WARNING):
        again = await arming_inputs.arm(store, settings(), served, embedder=embedder, at=START)
    assert isinstance(again._panels[0], PerSamplePanel)
    assert {record.message for record in caplog.records} == {
        f"detector_starts_afresh task={TASK} detector={name}" for name in ("novelty", "cluster", "label")
    }


def drawn(rng: np.random.Generator, inputs: int, topic: float) -> list[str]:
    """Inputs as the reference has them, a sixth with a word more, and a share of a new topic."""
    words = ("here", "soon", "really", "urgent", "maybe", "tomorrow", "sir", "hello")
    texts = []
    for _ in range(inputs):
        text = str(rng.choice(NOVEL if rng.random() < topic else ORDINARY))
        texts.append(f"{text} {rng.choice(words)}" if rng.random() < 1 / 6 else text)
    return texts


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_independent_inputs_raise_nothing_and_a_new_topic_does(task, seed):
    """Two weeks of learning, two quiet weeks, then half of the inputs are new: a warning within two days."""
    rng = np.random.default_rng(seed)
    for day in range(30):
        topic = 0.5 if day >= 28 else 0.0
        await task.live(drawn(rng, 192, topic), since=at(day), every_s=450.0, draw=0.3)
    raised = await task.store.signals(TASK)
    assert [signal for signal in raised if signal.at < at(28)] == []
    drift = [signal for signal in raised if signal.reason == "drift"]
    assert drift
    rows = await task.store.exchanges_by_id(drift[0].example_ids)
    assert rows
    assert all(any(row.exchange.input_text.startswith(text) for text in NOVEL) for row in rows)
