"""What every `domain.ports.Embedder` must keep to, however it makes its vectors."""

from __future__ import annotations

import re

import numpy as np

from domain.ports import Embedder

TEXTS = ["where is my order", "", " ", "Grüße, 你好 🙂", "x" * 100_000, "where is my order"]


def rows_are_unit_vectors(embedder: Embedder) -> None:
    """Float32, one row for each text, length 1, whatever the text; none for no text."""
    rows = embedder.embed(TEXTS)
    assert (rows.dtype, rows.shape[0], rows.ndim) == (np.float32, len(TEXTS), 2)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-4)
    assert embedder.embed([]).shape == (0, rows.shape[1])


def a_text_has_one_vector(embedder: Embedder) -> None:
    """The same alone as in a batch, in any order, every time."""
    rows = embedder.embed(TEXTS)
    assert np.allclose(rows[0], rows[-1], atol=1e-5)
    assert np.allclose(embedder.embed(TEXTS[::-1]), rows[::-1], atol=1e-5)
    assert np.allclose(np.concatenate([embedder.embed([text]) for text in TEXTS]), rows, atol=1e-5)


def it_has_a_name_and_a_hash(embedder: Embedder) -> None:
    """By which a reference refuses the vectors of another."""
    assert embedder.name
    assert re.fullmatch(r"[0-9a-f]{64}", embedder.sha256)


CHECKS = (rows_are_unit_vectors, a_text_has_one_vector, it_has_a_name_and_a_hash)
