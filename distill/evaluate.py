"""How well a student answers like its teacher on held-out rows, alone and against the champion.  Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from distill.calibration import expected_calibration_error
from distill.examples import Example
from distill.gate import DEFAULT_GATE, Comparison, Gate, Outcome, compare, judge
from distill.intervals import clopper_pearson
from distill.split import Test
from domain.comparers import Comparer
from domain.errors import DatasetError
from domain.ports import Student
from domain.records import BY_INPUT, Agreement, Baseline, Stratum

_CHUNK = 256

K = TypeVar("K", bound=str)


class Predictions(msgspec.Struct, frozen=True):
    """A student's answers and its confidence in each, in the order of the inputs."""

    answers: tuple[str, ...]
    confidences: tuple[float, ...]


Answerer = Callable[[Sequence[str]], Predictions]


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """The evidence for or against a promotion; JSON by msgspec."""

    model: str
    agreement: Agreement  # with the teacher's answers
    labels: dict[str, Baseline]  # by the teacher's answer
    ece: float  # expected calibration error of the confidence
    comparison: Comparison | None  # None: there is no champion
    gate: Gate
    outcome: Outcome


def answerer(student: Student) -> Answerer:
    """The student as a function of texts: its best label and that label's probability."""

    def answer(texts: Sequence[str]) -> Predictions:
        answers: list[str] = []
        confidences: list[float] = []
        for start in range(0, len(texts), _CHUNK):
            for row in student.probabilities(texts[start : start + _CHUNK]):
                best = int(row.argmax())
                answers.append(student.manifest.labels[best])
                confidences.append(float(row[best]))
        return Predictions(tuple(answers), tuple(confidences))

    return answer


def evaluate(
    held_out: Test,
    challenger: Answerer,
    *,
    model: str,
    comparer: Comparer,
    champion: tuple[str, Answerer] | None = None,
    gate: Gate = DEFAULT_GATE,
) -> Evaluation:
    """Measure a challenger, and its champion on the same rows when there is one.

    Raises:
        DatasetError: there are no held-out rows.
    """
    rows = held_out.examples
    if not rows:
        raise DatasetError(f"no held-out rows to evaluate {model} on; generate more examples")
    found = challenger([row.text for row in rows])
    agreed = agreements(rows, found, comparer)
    agreement = clopper_pearson(sum(agreed), len(rows))
    comparison = None
    if champion is not None:
        name, answer = champion
        rival = agreements(rows, answer([row.text for row in rows]), comparer)
        gained = sum(mine and not his for mine, his in zip(agreed, rival, strict=True))
        lost = sum(his and not mine for mine, his in zip(agreed, rival, strict=True))
        comparison = compare(name, clopper_pearson(sum(rival), len(rows)), gained=gained, lost=lost, gate=gate)
    return Evaluation(
        model=model,
        agreement=agreement,
        labels=_counts([row.answer for row in rows], agreed),
        ece=expected_calibration_error(found.confidences, agreed),
        comparison=comparison,
        gate=gate,
        outcome=judge(agreement, comparison, gate),
    )


def agreements(rows: Sequence[Example], found: Predictions, comparer: Comparer) -> list[bool]:
    """Whether the student said what the teacher says, row by row."""
    return [comparer(mine, row.answer).agreed for mine, row in zip(found.answers, rows, strict=True)]


def baselines(
    held_out: Test, student: Answerer, *, comparer: Comparer, stratum_of: Callable[[str], Stratum]
) -> dict[Stratum, Baseline]:
    """Agreement by sampling stratum: what the agreement detector of a deployment expects.

    Every stratum is named, with no items where held-out rows have none.
    """
    rows = held_out.examples
    agreed = agreements(rows, student([row.text for row in rows]), comparer)
    counts = _counts([stratum_of(row.text) for row in rows], agreed)
    return {stratum: counts.get(stratum, Baseline(0, 0)) for stratum in BY_INPUT}


def _counts(keys: Sequence[K], agreed: Sequence[bool]) -> dict[K, Baseline]:
    groups: defaultdict[K, list[bool]] = defaultdict(list)
    for key, same in zip(keys, agreed, strict=True):
        groups[key].append(same)
    return {key: Baseline(len(groups[key]), sum(groups[key])) for key in sorted(groups)}
