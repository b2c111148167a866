from __future__ import annotations

import logging

import msgspec
import pytest

from domain.errors import ModelError, StoreError
from domain.records import Arm, Canary, PairState, SignalKind, Stratum, Verdict
from domain.settings import ShadowSettings
from embedders.hashing import HashingEmbedder
from monitors.arming import state_key
from monitors.watch import Watch
from tests.unit.monitors.samples import (
    DEPLOYED_AT,
    NOVEL,
    ORDINARY,
    TASK,
    decision,
    deploy,
    deployment,
    exchange,
    exchanges,
    safety,
    watching,
)

OTHER = "somebody else"


@pytest.fixture
def make_watch(store, clock, embedder):
    """A new worker on the same store, as after a restart."""

    def make(**sections) -> Watch:
        return watching(store, clock, embedder, checks=safety(), **sections)

    return make


async def until_idle(watch: Watch) -> int:
    """Take every step there is; returns the number of exchanges."""
    total = 0
    while done := await watch.step():
        total += done
    return total


async def drifted(store) -> list:
    """Warnings of new inputs; a mix of a few texts, sent one verb after the other, is no usual mix of clusters."""
    return [signal for signal in await store.signals(TASK) if signal.reason == "drift"]


async def state_of(store) -> dict:
    """The committed state of the novelty detector of the newest deployment."""
    states = await store.detector_states(TASK, state_key(await store.deployment(TASK)))
    return msgspec.json.decode(next(state.state for state in states if state.detector == "novelty"))


async def test_ordinary_traffic_raises_nothing(store, make_watch):
    """Every exchange gets its novelty, the detector has seen each once, and nobody is warned."""
    reference = await deploy(store)
    await store.append(exchanges(ORDINARY))
    assert await until_idle(make_watch()) == len(ORDINARY)
    rows = await store.exchanges(TASK)
    assert all(row.novelty is not None and row.novelty < reference.thresholds[3] for row in rows)
    assert await drifted(store) == []
    readings = await store.readings(TASK)
    assert (readings[-1].samples, readings[-1].at) == (len(ORDINARY), rows[-1].exchange.at)
    assert (await state_of(store))["samples"] == len(ORDINARY)


async def test_new_inputs_raise_one_warning_with_examples(store, make_watch):
    """A new topic is warned of once within the cooldown, with the strangest inputs as examples."""
    await deploy(store)
    await store.append(exchanges(ORDINARY[:64] + NOVEL))
    await until_idle(make_watch())
    (signal,) = await drifted(store)
    assert (signal.kind, signal.detector, signal.model) == (SignalKind.WARNING, "novelty", "v1")
    assert signal.evidence >= 1
    assert "30 days" in signal.false_alarm_budget
    rows = await store.exchanges_by_id(signal.example_ids)
    assert {row.exchange.input_text for row in rows} <= set(NOVEL)
    assert any(reading.alarm for reading in await store.readings(TASK))


async def test_a_warning_raises_the_shadow_rate_of_flagged_inputs_only(store, make_watch):
    """Draws of 0.9 are outside the plain rate of 0.5; flagged ones are inside once drift is warned of."""
    await deploy(store)
    await store.append(exchanges(NOVEL + ORDINARY[:30]))
    await until_idle(make_watch())
    pairs = await store.pairs(TASK)
    (signal,) = await drifted(store)
    warned = [row for row in exchanges(NOVEL) if row.at >= signal.at]
    assert len(warned) > 10
    assert [pair.exchange_id for pair in pairs] == [row.id for row in warned]
    assert {(pair.stratum, pair.probability) for pair in pairs} == {(Stratum.FLAGGED, 1.0)}


async def test_samples_are_chosen_by_their_draw(store, make_watch):
    """A draw below the rate opens a pair; one without a usable answer is closed at once."""
    await deploy(store)
    await store.append(
        [
            exchange(1, ORDINARY[0], draw=0.49),
            exchange(2, ORDINARY[1], draw=0.5),
            exchange(3, ORDINARY[2], draw=0.1, usable=False),
        ]
    )
    await until_idle(make_watch())
    states = {pair.exchange_id: (pair.state, pair.probability) for pair in await store.pairs(TASK)}
    assert states == {"x00001": (PairState.PENDING, 0.5), "x00003": (PairState.STUDENT_ERROR, 0.5)}


@pytest.mark.parametrize(
    ("served", "arm", "at", "expected"),
    [
        (None, Arm.CHAMPION, 5.0, ("v1", PairState.PENDING)),  # no deployment: the configured student
        (None, Arm.CHALLENGER, 5.0, ("gold", PairState.STUDENT_ERROR)),
        ({"model": "v7"}, Arm.CHAMPION, 5.0, ("v7", PairState.PENDING)),
        ({"canary": Canary("v8", 0.1)}, Arm.CHALLENGER, 5.0, ("v8", PairState.PENDING)),
        ({"model": "v7"}, Arm.CHAMPION, -5.0, ("gold", PairState.STUDENT_ERROR)),  # another student served then
    ],
)
async def test_a_fallback_is_a_sample_of_the_student_that_was_stopped(store, make_watch, served, arm, at, expected):
    """The exchange names the teacher that answered; who had been asked first is told by its decisions and its time."""
    if served is not None:
        await deploy(store, **served)
    said = decision("pii", Verdict.FALLBACK, arm)
    row = exchange(1, ORDINARY[0], at=DEPLOYED_AT + at, draw=0.1, arm=Arm.TEACHER, model="gold", usable=False)
    await store.append([msgspec.structs.replace(row, decisions=(said,))])
    await until_idle(make_watch())
    (pair,) = await store.pairs(TASK)
    assert (pair.model, pair.state) == expected


async def test_without_a_reference_pairs_collect_and_the_log_says_what_to_do(store, make_watch, caplog):
    """Nothing is embedded, novelty stays empty, samples are opened at the plain rate, and one line is logged."""
    await store.append(exchanges(NOVEL, draw=0.2))
    watch = make_watch()
    with caplog.at_level(logging.WARNING):
        await until_idle(watch)
        await until_idle(watch)
    assert [row.novelty for row in await store.exchanges(TASK)] == [None] * len(NOVEL)
    assert {pair.stratum for pair in await store.pairs(TASK)} == {Stratum.ORDINARY}
    assert await store.readings(TASK) == []
    assert [record.message.split()[0] for record in caplog.records] == ["novelty_not_armed"]
    await store.deploy(deployment())  # without a reference: still nothing to compare with
    await store.append([exchange(900, ORDINARY[0])])
    assert await until_idle(watch) == 1


async def test_inputs_from_before_the_deployment_are_not_counted(store, make_watch):
    """They get their novelty, but say nothing about this student's time."""
    await deploy(store)
    await store.append([exchange(1, NOVEL[0], at=DEPLOYED_AT - 1), exchange(2, ORDINARY[0])])
    await until_idle(make_watch())
    assert (await state_of(store))["samples"] == 1
    assert all(row.novelty is not None for row in await store.exchanges(TASK))


async def test_inputs_that_the_teacher_answered_are_counted(store, make_watch):
    """New inputs are the likeliest to fall back; leaving them out would hide the drift."""
    await deploy(store)
    await store.append(exchanges(NOVEL, model="gold", usable=False))
    await until_idle(make_watch())
    assert (await state_of(store))["samples"] == len(NOVEL)
    assert len(await drifted(store)) == 1


async def test_blocked_inputs_are_not_counted(store, make_watch):
    """They get their novelty, but a flood of them is not a new topic that the student has to learn."""
    await deploy(store)
    await store.append(exchanges(NOVEL, model="", arm=Arm.NONE, usable=False, draw=0.0))
    await until_idle(make_watch())
    assert (await state_of(store))["samples"] == 0
    assert (await drifted(store), await store.pairs(TASK)) == ([], [])
    assert all(row.novelty is not None for row in await store.exchanges(TASK))


async def test_a_restart_changes_nothing(store, make_watch, tmp_path, clock, embedder):
    """Two workers, one after the other, leave the state, the signal and the readings that one leaves."""
    rows = exchanges(ORDINARY[:64] + NOVEL)
    await deploy(store)
    await store.append(rows)
    await make_watch().step()
    await until_idle(make_watch())
    one = type(store)(tmp_path / "one.db")
    await one.start()
    await deploy(one)
    await one.append(rows)
    await until_idle(watching(one, clock, embedder))
    assert await state_of(store) == await state_of(one)
    assert await store.signals(TASK) == await one.signals(TASK)
    assert await store.readings(TASK) == await one.readings(TASK)
    await one.aclose()


async def test_a_batch_that_was_rolled_back_counts_once(store, make_watch, clock):
    """After a full disk and `forget`, the same exchanges are handled again, and only that time counts."""
    await deploy(store)
    await store.append(exchanges(NOVEL))
    watch = make_watch()
    store.failures = 1
    with pytest.raises(StoreError):
        await watch.step()
    assert await drifted(store) == []
    watch.forget()
    clock.advance(61)  # the lease of the batch runs out
    assert await until_idle(watch) == len(NOVEL)
    assert (await state_of(store))["samples"] == len(NOVEL)
    assert len(await drifted(store)) == 1


async def test_a_lost_lease_counts_nothing(store, make_watch, clock, embedder):
    """A worker that was too slow loses its batch to another, and nothing of it is written."""
    await deploy(store)
    await store.append(exchanges(ORDINARY[:5]))

    class Slow(HashingEmbedder):
        def embed(self, texts):
            clock.advance(61)
            return super().embed(texts)

    slow = watching(store, clock, Slow(), owner="slow")
    lease, commit = store.lease, store.commit

    async def steal(batch):
        await lease(TASK, owner=OTHER, limit=10, lease_s=60, at=clock.now_s())
        await commit(batch)

    store.commit = steal
    with pytest.raises(StoreError, match="taken over"):
        await slow.step()
    assert await store.detector_states(TASK, state_key(await store.deployment(TASK))) == []
    assert (await store.backlog(TASK)).unread == 5


async def test_a_new_deployment_starts_afresh(store, make_watch):
    """The same worker arms itself for the student that serves now, with nothing counted yet."""
    await deploy(store)
    watch = make_watch()
    await store.append(exchanges(ORDINARY[:10]))
    await until_idle(watch)
    await deploy(store, model="v2", at=DEPLOYED_AT + 100)
    await store.append(exchanges(ORDINARY[:3], start=200, model="v2"))
    await until_idle(watch)
    assert (await state_of(store))["samples"] == 3
    assert (await store.readings(TASK))[-1].model == "v2"


async def test_another_embedder_is_refused_and_loses_nothing(store, clock):
    """Exchanges wait until reference and embedder fit again."""
    await deploy(store)
    await store.append(exchanges(ORDINARY[:5]))
    other = watching(store, clock, HashingEmbedder(dimensions=64))
    with pytest.raises(ModelError, match="build the reference again"):
        await other.step()
    assert (await store.backlog(TASK)).unread == 5


async def test_a_shadow_rate_of_zero_still_watches(store, make_watch):
    """Drift is watched without a single teacher call."""
    await deploy(store)
    await store.append(exchanges(NOVEL, draw=0.0))
    await until_idle(make_watch(shadow=ShadowSettings(rate=0.0, flagged_rate=0.0)))
    assert await store.pairs(TASK) == []
    assert len(await drifted(store)) == 1
