from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedders.hashing import HashingEmbedder
from monitors.comparers.port import Judgement
from monitors.comparers.text import TextComparer, similarities, threshold
from tests.unit.monitors.samples import exchange

SAID = "your money is on its way, it takes three days"


class Watched(HashingEmbedder):
    """Remembers in which threads it ran."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: list[int] = []

    def embed(self, texts: Sequence[str]):
        """See `domain.ports.Embedder`."""
        self.threads.append(threading.get_ident())
        return super().embed(texts)


@pytest.mark.parametrize(
    ("student", "agreed"),
    [
        (SAID, True),
        ("your money is on its way, it takes three days!", True),
        ("die Rechnung ist storniert", False),
        ("", False),
    ],
)
async def test_texts_agree_from_a_cosine_on(student, agreed):
    """Near texts agree, others do not, whichever is the teacher's."""
    comparer = TextComparer(HashingEmbedder(), least=0.8)
    found = await comparer.compare(exchange(1, "where is it"), student, SAID)
    back = await comparer.compare(exchange(1, "where is it"), SAID, student)
    assert found.agreed is agreed
    assert back.score == pytest.approx(found.score, abs=1e-6)


async def test_the_embedder_runs_in_a_thread_and_only_when_it_must():
    """The loop goes on meanwhile; equal texts need no embedding."""
    embedder = Watched()
    comparer = TextComparer(embedder, least=0.5)
    assert await comparer.compare(exchange(1, "q"), SAID, SAID) == Judgement(True, 1.0)
    assert embedder.threads == []
    await comparer.compare(exchange(1, "q"), SAID, "other")
    assert len(embedder.threads) == 1
    assert embedder.threads[0] != threading.get_ident()


def test_similarities_are_those_of_each_pair():
    """Row by row, never across, and never below zero."""
    found = similarities(HashingEmbedder(), [(SAID, SAID), (SAID, "xyz"), ("a b", "a b")])
    assert found == pytest.approx([1.0, found[1], 1.0], abs=1e-6)
    assert 0 <= found[1] < 0.3


@pytest.mark.parametrize(
    ("count", "rank"),
    [(0, None), (29, None), (30, 1), (38, 1), (39, 2), (59, 3), (99, 5), (1000, 50)],
)
def test_the_threshold_is_an_order_statistic(count, rank):
    """Of n similarities the one of rank floor(0.05 (n + 1)); too few give none."""
    values = [number / 1000 for number in range(1, count + 1)]
    assert threshold(values[::-1]) == (None if rank is None else values[rank - 1])


def test_the_teacher_agrees_with_itself_as_promised():
    """A new pair of the teacher falls short of the threshold in 5 % of cases at most, however few calibrated it."""
    rng = np.random.default_rng(11)
    for count in (30, 50, 200):
        draws = rng.beta(12, 2, (4000, count + 1))
        short = [row[-1] < threshold(row[:-1].tolist()) for row in draws]
        assert 0.02 <= np.mean(short) <= 0.056  # 5 % and three standard errors


@given(st.lists(st.floats(0, 1), min_size=30, max_size=80))
def test_at_most_a_twentieth_of_the_calibration_falls_short(values):
    """Whatever the similarities are like."""
    least = threshold(values)
    assert least in values
    assert sum(value < least for value in values) <= 0.05 * (len(values) + 1)
