from __future__ import annotations

import msgspec
import numpy as np
import pytest

from distill.evaluate import Evaluation, Predictions, answerer, baselines, evaluate
from distill.examples import Example
from distill.split import Test
from domain import comparers
from domain.errors import DatasetError
from domain.records import Baseline, Stratum

ROWS = Test(tuple(Example(f"{number} {answer}", answer) for answer in ("a", "b") for number in range(50)))


def _says(wrong: set[str], confidence: float = 0.9):
    """A student that is right but for the inputs in `wrong`."""

    def answer(texts):
        return Predictions(
            tuple("other" if text in wrong else text[-1].upper() for text in texts), (confidence,) * len(texts)
        )

    return answer


def _run(challenger, champion=None):
    return evaluate(ROWS, challenger, model="v2", comparer=comparers.label, champion=champion)


def test_agreement_is_counted_by_label_with_its_interval():
    """Ten wrong rows of 100 must show as 0.9 in all, and under the label to which they belong."""
    found = _run(_says({f"{number} b" for number in range(10)}))
    assert found.agreement.estimate == 0.9
    assert found.agreement.lower < 0.9 < found.agreement.upper
    assert found.labels == {"a": Baseline(50, 50), "b": Baseline(50, 40)}
    assert found.ece == pytest.approx(0.0)
    assert found.outcome.rule == "floor"


def test_challenger_and_champion_are_compared_row_by_row():
    """Only rows on which one of them is right count for or against."""
    found = _run(_says({"0 a"}), ("v1", _says({"0 a", "1 a", "2 a", "3 a"})))
    assert found.comparison is not None
    assert (found.comparison.champion, found.comparison.gained, found.comparison.lost) == ("v1", 3, 0)
    assert found.comparison.champion_agreement.estimate == 0.96
    assert found.outcome.passed
    worse = _run(_says({f"{number} a" for number in range(20)}), ("v1", _says(set())))
    assert not worse.outcome.passed


def test_an_evaluation_survives_json():
    """It is kept in the store as evidence, so that what was written must be readable."""
    found = _run(_says(set()), ("v1", _says({"0 a"})))
    assert msgspec.json.decode(msgspec.json.encode(found), type=Evaluation) == found


def test_nothing_to_measure_on_is_refused():
    """An agreement of nothing must not be reported as a number."""
    with pytest.raises(DatasetError, match="no held-out rows to evaluate v2"):
        evaluate(Test(()), _says(set()), model="v2", comparer=comparers.label)


def test_baselines_name_every_stratum():
    """The agreement detector must find each stratum, an unseen one with no items."""
    found = baselines(ROWS, _says({"0 a"}), comparer=comparers.label, stratum_of=lambda text: Stratum.ORDINARY)
    assert found == {Stratum.ORDINARY: Baseline(100, 99), Stratum.FLAGGED: Baseline(0, 0)}
    mixed = baselines(
        ROWS,
        _says({"0 a"}),
        comparer=comparers.label,
        stratum_of=lambda text: Stratum.FLAGGED if text.endswith("a") else Stratum.ORDINARY,
    )
    assert mixed == {Stratum.ORDINARY: Baseline(50, 50), Stratum.FLAGGED: Baseline(50, 49)}


def test_a_student_answers_with_its_best_label():
    """Label and confidence must come from the same column, for more rows than one batch."""

    class Student:
        class manifest:  # noqa: N801
            labels = ("a", "b", "c")

        def probabilities(self, texts):
            rows = np.full((len(texts), 3), 0.1)
            rows[np.arange(len(texts)), [int(text) % 3 for text in texts]] = 0.8
            return rows

    found = answerer(Student())([str(number) for number in range(600)])
    assert found.answers == tuple("abc"[number % 3] for number in range(600))
    assert set(found.confidences) == {0.8}
