from __future__ import annotations

import pytest

from distill.fit import check_fit
from distill.promote import PromotionRefusedError
from domain.records import Manifest
from domain.settings import OutputSettings


def manifest(*labels: str, task: str = "intent") -> Manifest:
    """A student that answers these labels."""
    return Manifest(
        model="m-v1",
        task=task,
        trainer="head",
        model_sha256="",
        prompt_sha256="",
        output_sha256="",
        dataset_sha256="",
        embedder="",
        embedder_sha256="",
        labels=labels,
        teacher="t",
        examples=1,
        created_at=0.0,
    )


@pytest.mark.parametrize(
    ("labels", "output"),
    [
        (("refund", "Cancel order"), OutputSettings(labels=("refund", "cancel_order", "other"))),
        (("anything",), OutputSettings(text={})),
        ((), OutputSettings(labels=("a", "b"))),
    ],
)
def test_a_student_whose_labels_the_task_knows_fits(labels: tuple[str, ...], output: OutputSettings) -> None:
    """In whatever spelling; a task may have more labels, and free text has none."""
    check_fit(manifest(*labels), "intent", output)


def test_a_label_outside_the_task_is_refused() -> None:
    """Clients would get a label that nobody expects; the first few are named."""
    labels = ("refund", *(f"new {number}" for number in range(7)))
    with pytest.raises(
        PromotionRefusedError, match=r"7 labels that 'intent' does not have: 'new 0', .*'new 4', \.\.\.;"
    ):
        check_fit(manifest(*labels), "intent", OutputSettings(labels=("refund", "cancel")))


def test_a_student_of_another_task_is_refused() -> None:
    """Its answers were evaluated on other inputs."""
    with pytest.raises(PromotionRefusedError, match="trained for the task 'other', not for 'intent'"):
        check_fit(manifest("a", task="other"), "intent", OutputSettings(labels=("a", "b")))
