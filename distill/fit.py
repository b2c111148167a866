"""Does a student belong to a task?  Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from distill.promote import PromotionRefusedError
from domain.comparers import normalise_label

if TYPE_CHECKING:
    from domain.records import Manifest
    from domain.settings import OutputSettings

_SHOWN = 5


def check_fit(manifest: Manifest, task: str, output: OutputSettings) -> None:
    """Refuse a student of another task, and one that may answer what the task does not know; force does not help.

    Raises:
        PromotionRefusedError: with what does not fit.
    """
    if manifest.task != task:
        raise PromotionRefusedError(f"{manifest.model} was trained for the task {manifest.task!r}, not for {task!r}")
    if not output.labels:
        return
    known = set(map(normalise_label, output.labels))
    foreign = [label for label in manifest.labels if normalise_label(label) not in known]
    if foreign:
        shown = ", ".join(map(repr, foreign[:_SHOWN])) + (", ..." if len(foreign) > _SHOWN else "")
        raise PromotionRefusedError(
            f"{manifest.model} may answer {len(foreign)} labels that {task!r} does not have: {shown}; train it again, "
            "or add them to output.labels"
        )
