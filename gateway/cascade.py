"""Answers that the student is not sure of go on to the teacher.

The confidence of an answer is the probability that the student gave to its tokens: for a label, the mass of the label.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from domain.records import Arm, Decision, Verdict

if TYPE_CHECKING:
    from domain.records import Deployment
    from domain.settings import CascadeSettings
    from gateway.answers import Answer
    from gateway.attempt import Received
    from gateway.dialect import Dialect

NAME = "cascade"
UNSURE = "low_confidence"
UNKNOWN = "no_logprobs"


def threshold(settings: CascadeSettings | None, deployment: Deployment | None, arm: Arm) -> float | None:
    """The least confidence at which an arm is served: the configured one, else that of the student's manifest.

    None: there is no cascade, or nobody has fitted its threshold yet; then every answer is served.
    """
    if settings is None or arm is Arm.TEACHER:
        return None
    if settings.threshold is not None:
        return settings.threshold
    bound = deployment.canary if deployment and arm is Arm.CHALLENGER else deployment
    return None if bound is None else bound.cascade_threshold


def confidence(dialect: Dialect, received: Received, answer: Answer) -> float | None:
    """The probability of the least probable choice, in [0, 1]; None when a choice came without log-probabilities."""
    sums: dict[int, float] = {}
    for chunk in received.events if received.events is not None else (received.body,):
        for index, logprob in dialect.logprobs(chunk):
            sums[index] = sums.get(index, 0.0) + logprob
    if not sums or any(choice.index not in sums for choice in answer.choices):
        return None
    return math.exp(min(0.0, *sums.values()))


def judge(found: float | None, *, least: float) -> Decision | None:
    """A decision to fall back when the confidence that was found is below `least` or unknown."""
    if found is not None and found >= least:
        return None
    return Decision(NAME, Verdict.FALLBACK, UNKNOWN if found is None else UNSURE)
