from __future__ import annotations

import numpy as np
import pytest

from domain.errors import ModelError, PreceptorError
from domain.records import Stratum
from embedders.hashing import HashingEmbedder
from monitors.reference import FLAGGED, LEAST, QUANTILES, Reference
from tests.unit.monitors.samples import NOVEL, ORDINARY

EMBEDDER = HashingEmbedder()
REFERENCE = Reference.build(ORDINARY, EMBEDDER)


def unit_rows(n: int, *, seed: int = 0) -> np.ndarray:
    """Random directions in 16 dimensions."""
    rows = np.random.default_rng(seed).normal(size=(n, 16))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_novelty_is_the_mean_cosine_distance_to_the_five_nearest():
    """The fast product gives what the definition gives."""
    rows, new = unit_rows(150), unit_rows(3, seed=1)
    found = Reference(rows, embedder="e", sha256="s").novelty(new)
    for row, novelty in zip(new, found, strict=True):
        assert novelty == pytest.approx(np.sort(1 - rows @ row)[:5].mean(), abs=2e-5)


def test_a_reference_input_does_not_count_itself():
    """Leave-one-out: the own novelty of a row is its novelty against all the others."""
    rows = unit_rows(1100)  # more than one block of the product
    own = Reference(rows, embedder="e", sha256="s").own_novelty
    for number in (0, 1023, 1024, 1099):
        others = Reference(np.delete(rows, number, 0), embedder="e", sha256="s")
        assert own[number] == pytest.approx(others.novelty(rows[number : number + 1])[0], abs=2e-5)


def test_bounds_lie_above_the_rates_at_which_the_reference_exceeds_its_own_quantiles():
    """Each upper bound holds its rate; thresholds rise and rates fall."""
    rates = (REFERENCE.own_novelty[:, None] > REFERENCE.thresholds).mean(0)
    assert (np.asarray(REFERENCE.bounds) > rates).all()
    assert (rates <= 1 - np.asarray(QUANTILES) + 1 / len(ORDINARY)).all()
    assert (np.diff(REFERENCE.thresholds) >= 0).all()


def test_unlike_inputs_are_flagged_and_like_ones_are_not():
    """Another language lies above every quantile, known inputs above none."""
    strange, known = REFERENCE.novelty(EMBEDDER.embed(NOVEL)), REFERENCE.novelty(EMBEDDER.embed(ORDINARY))
    assert {REFERENCE.exceeds(value) for value in strange} == {(1.0, 1.0, 1.0, 1.0)}
    assert {REFERENCE.stratum(value) for value in strange} == {Stratum.FLAGGED}
    assert {REFERENCE.stratum(value) for value in known} == {Stratum.ORDINARY}


def test_the_flagged_stratum_begins_above_its_quantile():
    """A novelty at the threshold is ordinary; the next number above it is flagged."""
    threshold = float(REFERENCE.thresholds[FLAGGED])
    assert REFERENCE.stratum(threshold) is Stratum.ORDINARY
    assert REFERENCE.stratum(np.nextafter(threshold, 2)) is Stratum.FLAGGED


def test_a_reference_of_repeats_is_no_trap():
    """Inputs that stand in the reference many times are never novel, whatever the size of the batch they come in."""
    texts = ORDINARY[:4] * 50 + ORDINARY[4:14]
    reference = Reference.build(texts, EMBEDDER)
    for size in (1, 3, 64):
        batch = (ORDINARY[:4] * 16)[:size]
        assert not reference.novelty(EMBEDDER.embed(batch)).any()
    assert all(reference.exceeds(0.0)[number] == 0.0 for number in range(4))


def test_it_survives_the_store():
    """Bytes and back give the same thresholds and bounds; the same reference gives the same bytes."""
    body = REFERENCE.to_bytes()
    again = Reference.from_bytes(body)
    assert (again.thresholds == REFERENCE.thresholds).all()
    assert again.bounds == REFERENCE.bounds
    assert (again.embedder, again.sha256) == ("hashing", EMBEDDER.sha256)
    assert Reference.build(ORDINARY, EMBEDDER).to_bytes() == body


@pytest.mark.parametrize("body", [b"", b"nonsense", b"PK\x03\x04nonsense", REFERENCE.to_bytes()[:-40]])
def test_damage_is_one_clear_error(body):
    """Whatever bytes the store holds, loading them is a reference or a ModelError."""
    with pytest.raises(ModelError, match="build it again"):
        Reference.from_bytes(body)


def test_embedders_are_never_mixed():
    """A reference of one embedder is not compared with vectors of another."""
    REFERENCE.check(EMBEDDER)
    with pytest.raises(ModelError, match="build the reference again"):
        REFERENCE.check(HashingEmbedder(dimensions=64))


def test_too_few_inputs_are_refused():
    """Quantiles need a hundred inputs, and the error says how many there are."""
    assert len(Reference.build(ORDINARY[:LEAST], EMBEDDER).vectors) == LEAST
    with pytest.raises(PreceptorError, match="at least 100 inputs, there are 99"):
        Reference.build(ORDINARY[: LEAST - 1], EMBEDDER)
