from __future__ import annotations

import numpy as np
import pytest

from distill.evaluate import expected_calibration_error
from distill.examples import Example
from distill.split import Train, Validation, split
from distill.trainers import head
from domain.errors import DatasetError
from embedders.hashing import HashingEmbedder


@pytest.fixture
def words():
    """The real baseline embedder."""
    return HashingEmbedder()


VERBS = {"refund": "money back for", "cancel": "stop and end", "status": "where is", "greet": "good day"}


def _examples(labels, things=24):
    return [Example(f"{VERBS[label]} thing{number} soon", label) for number in range(things) for label in labels]


def _accuracy(trained, rows, words):
    shares = trained.probabilities(words.embed([row.text for row in rows]))
    return np.mean([trained.labels[best] == row.answer for best, row in zip(shares.argmax(1), rows, strict=True)])


@pytest.mark.parametrize("labels", [("refund", "cancel"), ("refund", "cancel", "status", "greet")])
def test_a_student_learns_its_task(words, labels):
    """On rows it never saw it must answer like its teacher; two labels are a case of their own in scikit-learn."""
    parts = split(_examples(labels, things=60))
    trained = head.train(parts.train, parts.validation, embedder=words)
    assert trained.labels == tuple(sorted(labels))
    assert trained.weights.shape == (len(labels), 256)
    assert _accuracy(trained, parts.test.examples, words) == 1.0


def test_confidence_means_something(words):
    """With a teacher that errs in one of five rows, confidence on unseen rows must be near the agreement."""
    source = np.random.default_rng(5)
    labels = list(VERBS)
    noisy = [
        Example(row.text, labels[source.integers(4)] if source.random() < 0.2 else row.answer)
        for row in _examples(labels, things=150)
    ]
    parts = split(noisy)
    trained = head.train(parts.train, parts.validation, embedder=words)
    shares = trained.probabilities(words.embed([row.text for row in parts.test.examples]))
    answers = [trained.labels[best] for best in shares.argmax(1)]
    agreed = [mine == row.answer for mine, row in zip(answers, parts.test.examples, strict=True)]
    assert expected_calibration_error(shares.max(1).tolist(), agreed) < 0.12


def test_one_row_a_label_is_enough_to_train(words):
    """A label with a single example must neither fail nor be forgotten."""
    rows = Train(tuple(_examples(tuple(VERBS), things=1)))
    trained = head.train(rows, Validation(()), embedder=words)
    assert _accuracy(trained, rows.examples, words) == 1.0


def test_one_label_is_refused(words):
    """A student that can say one thing only is none; the error must say what was found."""
    with pytest.raises(DatasetError, match="two or more labels, found 1"):
        head.train(Train((Example("a", "x"), Example("b", "x"))), Validation(()), embedder=words)


def test_labels_seen_in_validation_only_are_no_labels_of_the_student(words):
    """What was not trained cannot be answered, and must not break the choice of settings."""
    parts = split(_examples(("refund", "cancel"), things=60))
    extra = Validation((*parts.validation.examples, Example("good day", "greet")))
    assert head.train(parts.train, extra, embedder=words).labels == ("cancel", "refund")


def test_training_twice_gives_the_same_student(words):
    """A student must be reproducible from its data set."""
    parts = split(_examples(tuple(VERBS)))
    one, two = (head.train(parts.train, parts.validation, embedder=words).encode() for _ in range(2))
    assert one == two


def test_progress_ends_at_the_total(words):
    """A progress bar must grow and arrive."""
    seen = []
    parts = split(_examples(tuple(VERBS)))
    head.train(parts.train, parts.validation, embedder=words, progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][1]
