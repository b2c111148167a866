"""Which student serves: promotions and rollbacks, each one more line of the registry, none ever changed."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from distill.evaluate import Evaluation
from domain.clock import Clock
from domain.errors import PreceptorError
from domain.records import Baseline, Deployment, Manifest, Stratum
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
) -> Deployment:
    """Let a student serve its task from now on.

    Raises:
        PromotionRefusedError: the evaluation is of another student, or its gate is closed and `force` is not set.
        StoreError: nothing was changed.
    """
    if evaluation.model != manifest.model:
        raise PromotionRefusedError(f"the evaluation is of {evaluation.model}, not of {manifest.model}; evaluate it")
    outcome = evaluation.outcome
    if not outcome.passed and not force:
        raise PromotionRefusedError(f"{manifest.model} was not promoted: {outcome.reason}; retrain, or force it")
    evidence = msgspec.json.encode(PromotionEvidence(manifest, evaluation))
    blob = await store.put_blob(_EVIDENCE, evidence, at=clock.now_s())
    how = "" if outcome.passed else "forced; "
    deployment = Deployment(
        task=manifest.task,
        model=manifest.model,
        reference_id=reference_id,
        at=clock.now_s(),
        by=by,
        reason=f"{reason} ({how}{outcome.reason}; evidence {blob})",
        baselines=baselines,
    )
    await store.deploy(deployment)
    return deployment


async def rollback(store: Store, task: str, *, by: str, reason: str, clock: Clock) -> Deployment:
    """Let the student before the present one serve again; a second rollback goes one further back.

    Raises:
        PromotionRefusedError: no student was deployed before the present one.
        StoreError: nothing was changed.
    """
    line = _line(await store.deployments(task))
    if len(line) < 2:
        raise PromotionRefusedError(f"task {task} has no earlier deployment to roll back to; promote a student")
    present, earlier = line[-1], line[-2]
    deployment = msgspec.structs.replace(
        earlier, at=clock.now_s(), by=by, reason=f"rollback from {present.model} to {earlier.model}: {reason}"
    )
    await store.deploy(deployment)
    return deployment


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
