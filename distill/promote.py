"""Which student serves: promotions and rollbacks, each one more line of the registry, none ever changed."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from distill.evaluate import Evaluation
from domain.clock import Clock
from domain.errors import PreceptorError
from domain.records import Baseline, Canary, Deployment, Manifest, Stratum
from domain.store import Store

_EVIDENCE = "promotion"


class PromotionRefusedError(PreceptorError):
    """The gate did not open, or there is nothing to roll back to."""


class PromotionEvidence(msgspec.Struct, frozen=True):
    """What a promotion rests on; kept as a blob under the hash that its reason names."""

    manifest: Manifest
    evaluation: Evaluation


async def promote(
    store: Store,
    *,
    manifest: Manifest,
    reference_id: str,
    baselines: dict[Stratum, Baseline],
    evaluation: Evaluation,
    by: str,
    reason: str,
    clock: Clock,
    force: bool = False,
    canary_share: float = 0.0,
) -> Deployment:
    """Let a student serve its task from now on, or as a challenger `canary_share` of its users, in (0, 1).

    Raises:
        PromotionRefusedError: the evaluation is of another student, or its gate is closed and `force` is not set.
        StoreError: nothing was changed.
    """
    _require_open_gate(manifest, evaluation, force=force)
    why = await _with_evidence(store, reason, PromotionEvidence(manifest, evaluation), at=clock.now_s())
    if canary_share > 0:
        canary = Canary(manifest.model, canary_share, manifest.cascade_threshold)
        present = await _present(store, manifest)
        deployment = msgspec.structs.replace(present, canary=canary, at=clock.now_s(), by=by, reason=why)
    else:
        deployment = Deployment(
            task=manifest.task,
            model=manifest.model,
            reference_id=reference_id,
            at=clock.now_s(),
            by=by,
            reason=why,
            baselines=baselines,
            cascade_threshold=manifest.cascade_threshold,
        )
    await store.deploy(deployment)
    return deployment


async def _with_evidence(store: Store, reason: str, evidence: PromotionEvidence, *, at: float) -> str:
    """The reason with what it rests on, which is kept."""
    outcome = evidence.evaluation.outcome
    blob = await store.put_blob(_EVIDENCE, msgspec.json.encode(evidence), at=at)
    return f"{reason} ({'' if outcome.passed else 'forced; '}{outcome.reason}; evidence {blob})"


async def rollback(store: Store, task: str, *, by: str, reason: str, clock: Clock) -> Deployment:
    """Take a challenger back, or else let the student before the present one serve again.

    A second rollback goes one further back.

    Raises:
        PromotionRefusedError: no student was deployed before the present one.
        StoreError: nothing was changed.
    """
    history = await store.deployments(task)
    if history and history[-1].canary is not None:
        why = f"challenger {history[-1].canary.model} taken back: {reason}"
        deployment = msgspec.structs.replace(history[-1], canary=None, at=clock.now_s(), by=by, reason=why)
        await store.deploy(deployment)
        return deployment
    line = _line(history)
    if len(line) < 2:
        raise PromotionRefusedError(f"task {task} has no earlier deployment to roll back to; promote a student")
    present, earlier = line[-1], line[-2]
    deployment = msgspec.structs.replace(
        earlier, at=clock.now_s(), by=by, reason=f"rollback from {present.model} to {earlier.model}: {reason}"
    )
    await store.deploy(deployment)
    return deployment


def _require_open_gate(manifest: Manifest, evaluation: Evaluation, *, force: bool) -> None:
    if evaluation.model != manifest.model:
        raise PromotionRefusedError(f"the evaluation is of {evaluation.model}, not of {manifest.model}; evaluate it")
    if not evaluation.outcome.passed and not force:
        reason = evaluation.outcome.reason
        raise PromotionRefusedError(f"{manifest.model} was not promoted: {reason}; retrain, or force it")


async def _present(store: Store, manifest: Manifest) -> Deployment:
    """What a challenger challenges.

    Raises:
        PromotionRefusedError: no student is deployed, or it is this one.
    """
    present = await store.deployment(manifest.task)
    if present is None or present.model == manifest.model:
        serves = "no student" if present is None else "that student itself"
        problem = f"{manifest.model} cannot challenge: {serves} is deployed; promote it without a canary share"
        raise PromotionRefusedError(problem)
    return present


def _line(history: Sequence[Deployment]) -> list[Deployment]:
    """The deployments that led here, without those that were taken back: returning to the one before is a step back."""
    line: list[Deployment] = []
    for deployment in history:
        if len(line) > 1 and _same(deployment, line[-2]):
            line.pop()
        elif line and _same(deployment, line[-1]):
            line[-1] = deployment
        else:
            line.append(deployment)
    return line


def _same(one: Deployment, other: Deployment) -> bool:
    return (one.model, one.reference_id) == (other.model, other.reference_id)
