from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from monitors import clusters


def _rows(*, per_topic: list[int], seed: int = 0) -> Any:
    """Unit vectors around one axis for each topic."""
    rng = np.random.default_rng(seed)
    rows = np.concatenate([np.eye(8)[topic] + 0.1 * rng.standard_normal((n, 8)) for topic, n in enumerate(per_topic)])
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_topics_become_clusters_numbered_from_the_largest() -> None:
    """Inputs of one topic share a cluster, and no two topics do."""
    sizes = [40, 60, 30, 30]
    rows = _rows(per_topic=sizes)
    centres = clusters.centroids(rows)
    found = clusters.nearest(rows, centres)
    groups = np.split(found, np.cumsum(sizes)[:-1])
    assert all(len(set(group)) == 1 for group in groups)
    assert [int(group[0]) for group in groups[:2]] == [1, 0]
    assert sorted(int(group[0]) for group in groups) == [0, 1, 2, 3]


@pytest.mark.parametrize(("rows", "wanted"), [(100, 2), (200, 5), (2000, 30)])
def test_there_are_few_clusters_where_there_are_few_inputs(rows: int, wanted: int) -> None:
    """A share must rest on inputs; thirty are enough to tell a mix."""
    centres = clusters.centroids(_rows(per_topic=[rows // 4] * 4))
    assert centres.shape == (wanted, 8)
    assert np.allclose(np.linalg.norm(centres, axis=1), 1.0, atol=1e-6)


@pytest.mark.parametrize("rows", [np.zeros((200, 4), np.float32), np.tile(np.eye(4, dtype=np.float32)[0], (200, 1))])
def test_inputs_that_are_all_alike_are_one_cluster(rows: Any) -> None:
    """A task whose inputs are one text, or blank, can be clustered too."""
    centres = clusters.centroids(rows)
    assert len(centres) == 1
    assert np.isfinite(centres).all()
    assert set(clusters.nearest(rows, centres)) == {0}


def test_clusters_are_the_same_in_every_process() -> None:
    """A worker that starts again must give an input the number that it had."""
    rows = _rows(per_topic=[50, 50, 50, 50])
    assert np.array_equal(clusters.centroids(rows), clusters.centroids(rows.copy()))
