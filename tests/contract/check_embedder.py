"""What every `domain.ports.Embedder` must keep to, however it makes its vectors."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from domain.ports import Embedder

_PAGES = "My parcel did not arrive, and nobody answers the telephone.  " * 1700  # 100 KB
TEXTS = ["where is my order", "", " \n", "Grüße, 你好 🙂 \u0000", "x" * 100_000, _PAGES, "where is my order"]
_SAME = 1e-5  # float32 sums in another order; exports run one text at a time and are exact


def rows_are_unit_vectors(embedder: Embedder) -> None:
    """Float32, one row for each text, length 1, whatever the text; none for no text."""
    rows = embedder.embed(TEXTS)
    assert (rows.dtype, rows.shape[0], rows.ndim) == (np.float32, len(TEXTS), 2)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-4)
    nothing = embedder.embed([])
    assert (nothing.dtype, nothing.shape) == (np.float32, (0, rows.shape[1]))


def a_text_has_one_vector(embedder: Embedder) -> None:
    """The same alone as in a batch, in any order, every time."""
    rows = embedder.embed(TEXTS)
    assert np.allclose(rows[0], rows[-1], atol=_SAME)
    assert np.allclose(embedder.embed(TEXTS[::-1]), rows[::-1], atol=_SAME)
    assert np.allclose(np.concatenate([embedder.embed([text]) for text in TEXTS]), rows, atol=_SAME)


def threads_may_share_it(embedder: Embedder) -> None:
    """Each gets the vectors of its own texts: two tasks use one embedder."""
    batches = [["where is my order"] * (number % 3) + ["refund the parcel ?" * (1 + number)] for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(embedder.embed, batches))
    assert all(np.allclose(rows, embedder.embed(texts), atol=_SAME) for rows, texts in zip(found, batches, strict=True))


def it_has_a_name_and_a_hash(embedder: Embedder) -> None:
    """By which a reference refuses the vectors of another."""
    assert embedder.name
    assert re.fullmatch(r"[0-9a-f]{64}", embedder.sha256)


CHECKS = (rows_are_unit_vectors, a_text_has_one_vector, threads_may_share_it, it_has_a_name_and_a_hash)
