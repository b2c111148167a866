"""From a trained student to a deployment: reference, baselines by stratum, gate, registry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from distill import app as distill
from distill import evaluate as evaluation_of
from distill import student
from distill.fit import check_fit
from distill.promote import promote
from domain.comparers import comparer
from domain.records import Baseline, Deployment, Stratum
from monitors.reference import Reference

if TYPE_CHECKING:
    from distill.evaluate import Evaluation
    from distill.split import Test
    from domain.clock import Clock
    from domain.ports import Embedder
    from domain.settings import Settings
    from domain.store import Store

REFERENCE = "reference"


async def keep_reference(store: Store, texts: Sequence[str], *, embedder: Embedder, clock: Clock) -> str:
    """Build the reference of these inputs and keep it; returns its id.

    Raises:
        PreceptorError: there are too few inputs.
    """
    reference = Reference.build(texts, embedder)
    return await store.put_blob(REFERENCE, reference.to_bytes(), at=clock.now_s())


async def deploy(
    settings: Settings,
    task: str,
    model: str,
    *,
    store: Store,
    reference_id: str,
    evaluation: Evaluation,
    current: Test,
    embedder: Embedder,
    by: str,
    reason: str,
    clock: Clock,
    force: bool = False,
    canary_share: float = 0.0,
) -> Deployment:
    """Promote a student, or let it challenge the one that serves, for `canary_share` of the users.

    `current`: held-out rows like the traffic that it will meet; they give its baselines.

    Raises:
        PromotionRefusedError: the gate is closed, or the student is none of this task.
        ModelError: the reference or the student is missing or does not fit the embedder.
    """
    reference = Reference.from_bytes(await store.blob(reference_id) or b"")
    reference.check(embedder)
    manifest = student.read_manifest(student.student_folder(student.students_folder(settings), model))
    check_fit(manifest, task, settings.tasks[task].output)
    return await promote(
        store,
        manifest=manifest,
        reference_id=reference_id,
        baselines=_baselines(settings, task, model, current, reference=reference, embedder=embedder),
        evaluation=evaluation,
        by=by,
        reason=reason,
        clock=clock,
        force=force,
        canary_share=canary_share,
    )


def _baselines(
    settings: Settings, task: str, model: str, current: Test, *, reference: Reference, embedder: Embedder
) -> dict[Stratum, Baseline]:
    """What the student is held to: its agreement on held-out rows, apart for ordinary and flagged ones."""
    texts = [example.text for example in current.examples]
    novelty = reference.held_out_novelty(embedder.embed(texts)).tolist() if texts else []
    strata = {text: reference.stratum(value) for text, value in zip(texts, novelty, strict=True)}
    return evaluation_of.baselines(
        current,
        distill.load_answerer(settings, model, embedder=embedder),
        comparer=comparer(settings.tasks[task].held_out_comparer, path=f"tasks.{task}.agreement.comparer"),
        stratum_of=strata.__getitem__,
    )
