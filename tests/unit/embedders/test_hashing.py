from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from embedders.hashing import HashingEmbedder

EMBEDDER = HashingEmbedder()


def cosine(one: str, other: str) -> float:
    """Of the vectors of two texts."""
    rows = EMBEDDER.embed([one, other])
    return float(rows[0] @ rows[1])


@pytest.mark.parametrize(
    ("text", "near", "far"),
    [
        ("where is my order", "where is my parcel", "Schnitzel mit Kraut"),
        ("refund the ticket", "REFUND  the tickets", "play some jazz"),
    ],
)
def test_shared_words_and_letters_bring_texts_together(text, near, far):
    """Case and blanks do not matter; a misspelled or inflected word still counts in part."""
    assert cosine(text, near) > 0.5 > cosine(text, far) + 0.2


def test_two_processes_give_the_same_vector():
    """Python's own hash differs from process to process; ours must not."""
    code = "from embedders.hashing import HashingEmbedder as H; print(H().embed(['where is my order']).tolist())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert np.allclose(np.array(eval(done.stdout)), EMBEDDER.embed(["where is my order"]))


def test_its_hash_names_version_and_size():
    """Vectors of two sizes are never mixed."""
    assert HashingEmbedder(dimensions=64).sha256 != EMBEDDER.sha256
    assert HashingEmbedder(dimensions=64).embed(["a"]).shape == (1, 64)


def test_only_the_beginning_of_a_huge_text_is_read():
    """A book costs no more than its first pages."""
    long = "where is my order " * 2000
    assert (EMBEDDER.embed([long]) == EMBEDDER.embed([long + "Schnitzel " * 5000])).all()
