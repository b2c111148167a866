from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedders.app import build
from embedders.architecture import examine
from embedders.distilling import MAX_LENGTH, distil, frequency_weights, ordinary, principal, token_vectors
from embedders.static import VECTORS
from tests.unit.embedders.samples import DIMENSIONS, SPECIAL, WORDS


@given(tokens=st.integers(1, 50_000))
def test_rare_tokens_weigh_more(tokens):
    """Each more than the one before it, none more than 1, the first the least."""
    weights = frequency_weights(tokens)
    assert weights.shape == (tokens,)
    assert ((weights > 0) & (weights < 1)).all()
    assert (np.diff(weights) >= 0).all()


def test_weights_are_those_of_the_formula():
    """The weight is a / (a + p), with p falling as 1 / (rank + 1) and a = 1e-4."""
    shares = np.array([1 / 2, 1 / 3, 1 / 4]) / (1 / 2 + 1 / 3 + 1 / 4)
    assert np.allclose(frequency_weights(3), 1e-4 / (1e-4 + shares))


@given(seed=st.integers(0, 100), rows=st.integers(6, 40))
def test_principal_components_keep_what_matters(seed, rows):
    """All of them keep every distance; they are uncorrelated, and the strongest come first."""
    vectors = np.random.default_rng(seed).normal(3, [5, 3, 1, 0.5], (rows, 4)).astype(np.float32)
    found = principal(vectors, 9).astype(np.float64)
    wanted = np.linalg.norm(vectors[:, None] - vectors, axis=-1)
    assert np.allclose(np.linalg.norm(found[:, None] - found, axis=-1), wanted, atol=1e-3)
    assert np.allclose(found.mean(0), 0, atol=1e-4)
    spread = found.T @ found
    assert np.allclose(spread, np.diag(spread.diagonal()), atol=1e-2)
    assert (np.diff(spread.diagonal()) <= 1e-3).all()
    assert np.allclose(principal(vectors, 2), found[:, :2], atol=1e-5)


def test_components_have_a_sign():
    """Two machines may find axes that point the other way; the table must be the same."""
    vectors = np.array([[2, 0], [-1, 1], [-1, -1]], np.float32)
    assert np.allclose(principal(vectors, 1).ravel(), [2, -1, -1])


@pytest.mark.slow
def test_every_token_of_a_text_gets_a_row(source, tmp_path):
    """Each alone through the model; those that no text can have say nothing."""
    seen = []
    found = distil(source, tmp_path, progress=lambda *step: seen.append(step))
    rows = np.load(tmp_path / VECTORS)["rows"]
    silent = len(SPECIAL) + 1  # and [unused1]
    assert (found.max_length, found.dimensions) == (MAX_LENGTH, DIMENSIONS)
    assert seen == [(len(WORDS) - silent,) * 2]
    assert rows.dtype == np.float32
    assert not rows[:silent].any()
    assert (np.linalg.norm(rows[silent:], axis=1) > 0).all()


@pytest.mark.slow
def test_a_token_alone_is_a_text_of_one_word(source):
    """The same vector that the model itself gives that text."""
    found = examine(source.model, name="tiny")
    vectors = token_vectors(found, ordinary(found), progress=lambda *_: None)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    words = [WORDS[number] for number in ordinary(found)]
    assert np.allclose(vectors[words.index("refund")], source.embed(["refund"])[0], atol=1e-5)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_meaning_survives_distilling(minilm):
    """Other words for one thing are nearer than words for another."""
    rows = build(minilm["static"]).embed(["where is my parcel", "when does the package arrive", "play some jazz"])
    assert rows.shape == (3, 256)
    assert rows[0] @ rows[1] > rows[0] @ rows[2] + 0.2
