from __future__ import annotations

import msgspec
import pytest

from adapters.stores.sqlite import store as sqlite
from distill.evaluate import Evaluation
from distill.gate import DEFAULT_GATE, judge
from distill.intervals import clopper_pearson
from distill.promote import PromotionEvidence, PromotionRefusedError, promote, rollback
from domain.clock import ManualClock
from domain.records import Baseline, Canary, Manifest, Stratum

BASELINES = {Stratum.ORDINARY: Baseline(90, 88), Stratum.FLAGGED: Baseline(10, 7)}


@pytest.fixture
async def store(tmp_path):
    """The real store."""
    opened = sqlite.SqliteStore(tmp_path / "p.db")
    await opened.start()
    yield opened
    await opened.aclose()


@pytest.fixture
def clock():
    """A clock of the test's own."""
    return ManualClock()


def _manifest(model):
    return Manifest(
        model=model,
        task="t",
        trainer="head",
        model_sha256="m",
        prompt_sha256="p",
        output_sha256="o",
        dataset_sha256="d",
        embedder="e",
        embedder_sha256="s",
        labels=("a", "b"),
        teacher="gold",
        examples=9,
        created_at=1.0,
    )


def _evaluation(model, *, agreed):
    agreement = clopper_pearson(agreed, 100)
    return Evaluation(
        model=model,
        agreement=agreement,
        labels={},
        ece=0.0,
        comparison=None,
        gate=DEFAULT_GATE,
        outcome=judge(agreement, None, DEFAULT_GATE),
    )


async def _put(store, clock, model, *, agreed=95, force=False, measured="", canary=0.0, threshold=None):
    clock.advance(1)
    return await promote(
        store,
        manifest=msgspec.structs.replace(_manifest(model), cascade_threshold=threshold),
        reference_id="r-" + model,
        baselines=BASELINES,
        evaluation=_evaluation(measured or model, agreed=agreed),
        by="ann",
        reason="first",
        clock=clock,
        force=force,
        canary_share=canary,
    )


async def test_a_promotion_is_a_new_line_with_its_evidence(store, clock):
    """The registry must say who, when, why, and where the numbers are."""
    deployment = await _put(store, clock, "v1")
    assert await store.deployment("t") == deployment
    assert (deployment.by, deployment.at, deployment.reference_id) == ("ann", clock.now_s(), "r-v1")
    assert deployment.baselines == BASELINES
    blob = deployment.reason.rpartition("evidence ")[2].rstrip(")")
    body = await store.blob(blob)
    assert body is not None
    assert msgspec.json.decode(body, type=PromotionEvidence).manifest == _manifest("v1")


async def test_a_closed_gate_refuses_with_the_numbers(store, clock):
    """A student that is not good enough must not serve, and the operator must see why."""
    with pytest.raises(PromotionRefusedError, match=r"v1 was not promoted: lower bound 0\.\d+ < floor 0\.7 on 100"):
        await _put(store, clock, "v1", agreed=50)
    assert await store.deployment("t") is None


async def test_force_is_possible_and_visible(store, clock):
    """Whoever overrides the gate must leave a trace in the trail."""
    deployment = await _put(store, clock, "v1", agreed=50, force=True)
    assert "forced" in deployment.reason
    assert "forced" not in (await _put(store, clock, "v2", force=True)).reason


async def test_the_evaluation_of_another_student_is_refused(store, clock):
    """Good numbers must not be borrowed, not even by force."""
    with pytest.raises(PromotionRefusedError, match="is of v1, not of v2"):
        await _put(store, clock, "v2", measured="v1", force=True)


async def test_rollbacks_step_back_one_by_one(store, clock):
    """Two rollbacks must reach the student before the last two, not swing back to the bad one."""
    for model in ("v1", "v2", "v3"):
        await _put(store, clock, model)
    steps = []
    for _ in range(2):
        clock.advance(1)
        steps.append(await rollback(store, "t", by="bob", reason="complaints", clock=clock))
    assert [(step.model, step.reference_id) for step in steps] == [("v2", "r-v2"), ("v1", "r-v1")]
    assert steps[0].baselines == BASELINES
    assert steps[0].reason == "rollback from v3 to v2: complaints"
    assert [item.model for item in await store.deployments("t")] == ["v1", "v2", "v3", "v2", "v1"]
    with pytest.raises(PromotionRefusedError, match="no earlier deployment"):
        await rollback(store, "t", by="bob", reason="more", clock=clock)


async def test_a_promotion_after_a_rollback_can_be_rolled_back(store, clock):
    """After v1, v2, back to v1, and v3, the student before must be v1, not v2 that was taken back."""
    for model in ("v1", "v2"):
        await _put(store, clock, model)
    clock.advance(1)
    await rollback(store, "t", by="bob", reason="bad", clock=clock)
    await _put(store, clock, "v3")
    await _put(store, clock, "v3")
    clock.advance(1)
    assert (await rollback(store, "t", by="bob", reason="bad", clock=clock)).model == "v1"


async def test_a_challenger_stands_beside_the_champion(store, clock):
    """A canary changes neither the champion nor what it is measured by, and brings its own threshold."""
    champion = await _put(store, clock, "v1", threshold=0.8)
    challenged = await _put(store, clock, "v2", canary=0.1, threshold=0.7)
    assert challenged.canary == Canary("v2", 0.1, 0.7)
    assert (challenged.model, challenged.reference_id, challenged.cascade_threshold) == ("v1", "r-v1", 0.8)
    assert challenged.baselines == champion.baselines
    assert "evidence" in challenged.reason


async def test_a_rollback_takes_the_challenger_back_first(store, clock):
    """The champion goes on; only the next rollback reaches the student before it."""
    for model in ("v1", "v2"):
        await _put(store, clock, model)
    await _put(store, clock, "v3", canary=0.1)
    steps = []
    for _ in range(2):
        clock.advance(1)
        steps.append(await rollback(store, "t", by="bob", reason="worse", clock=clock))
    assert [(step.model, step.canary) for step in steps] == [("v2", None), ("v1", None)]
    assert steps[0].reason == "challenger v3 taken back: worse"


async def test_a_promotion_ends_the_challenge(store, clock):
    """Whoever is promoted for all has no challenger until there is a new one."""
    await _put(store, clock, "v1")
    await _put(store, clock, "v2", canary=0.5)
    assert (await _put(store, clock, "v2")).canary is None


@pytest.mark.parametrize(("deployed", "problem"), [((), "no student is deployed"), (("v1",), "that student itself")])
async def test_who_cannot_challenge(store, clock, deployed, problem):
    """A challenge needs somebody else who serves."""
    for model in deployed:
        await _put(store, clock, model)
    with pytest.raises(PromotionRefusedError, match=problem):
        await _put(store, clock, "v1", canary=0.1)
