"""The deployment that detectors belong to: a canary is no reason to begin anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from domain.records import Deployment


def standing_since(history: Sequence[Deployment]) -> Deployment | None:
    """The newest deployment, as of the first of those in a row that have its student, reference and baselines.

    `history` is oldest first.  A canary that begins or ends makes a deployment of the same champion: what has been
    counted of that champion goes on.
    """
    if not history:
        return None
    newest, first = history[-1], history[-1]
    for earlier in reversed(history[:-1]):
        if _bound(earlier) != _bound(newest):
            break
        first = earlier
    return msgspec.structs.replace(newest, at=first.at)


def _bound(deployment: Deployment) -> tuple[object, ...]:
    return deployment.model, deployment.reference_id, deployment.baselines
