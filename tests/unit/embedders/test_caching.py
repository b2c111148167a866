from __future__ import annotations

import numpy as np

from embedders.caching import CachingEmbedder
from embedders.hashing import HashingEmbedder


class Counting(HashingEmbedder):
    """Counts the texts that it is asked about."""

    asked = 0

    def embed(self, texts):
        """See `domain.ports.Embedder`."""
        self.asked += len(texts)
        return super().embed(texts)


def test_a_text_is_embedded_once():
    """Repeated texts must cost nothing, and come out as from the embedder itself, in the order asked."""
    inner = Counting()
    cached = CachingEmbedder(inner)
    assert cached.embed(["a", "b", "a"]).shape == (3, 256)
    vectors = cached.embed(["b", "c"])
    assert inner.asked == 3
    assert np.array_equal(vectors, HashingEmbedder().embed(["b", "c"]))
    assert (cached.name, cached.sha256) == (inner.name, inner.sha256)
    assert cached.embed([]).shape == (0, 256)
