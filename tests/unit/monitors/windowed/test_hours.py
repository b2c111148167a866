from __future__ import annotations

import msgspec
import pytest

from monitors.windowed.hours import UNSEEN, Hour, by_cluster, by_level, by_name


@pytest.mark.parametrize(
    ("hour", "empty"),
    [
        (Hour(), True),
        (Hour(inputs=[0, 0], exceeded=[[0] * 4] * 2, pairs=[0, 0], disagreed=[0, 0], shares={"label": {"a": 0}}), True),
        (Hour(inputs=[0, 1]), False),
        (Hour(pairs=[1]), False),
        (Hour(shares={"label": {"a": 1}}), False),
    ],
)
def test_empty(hour: Hour, empty: bool) -> None:
    """An hour of zeros is one without traffic, however many zeros are written down."""
    assert hour.empty is empty


def test_absent_counts_are_zeros() -> None:
    """JSON without a key, and an hour with fewer clusters than the baseline, are read as zeros."""
    hour = msgspec.json.decode(b'{"inputs": [3]}', type=Hour)
    assert by_cluster(hour.inputs, 3).tolist() == [3, 0, 0]
    assert by_cluster(hour.pairs, 2).tolist() == [0, 0]
    assert by_level(hour.exceeded, 2).tolist() == [[0] * 4, [0] * 4]
    assert by_level([[3, 2, 1, 0]], 2).tolist() == [[3, 2, 1, 0], [0, 0, 0, 0]]


def test_hours_do_not_share_their_counts() -> None:
    """Counting in one hour leaves the next at zero."""
    Hour().inputs.append(1)
    assert Hour().inputs == []


@pytest.mark.parametrize("count", [lambda: by_cluster([1, 2, 3], 2), lambda: by_level([[1] * 4] * 3, 2)])
def test_refuses_more_clusters_than_the_baseline_has(count: object) -> None:
    """Counts of other clusters must not be mixed up: the baseline has to be fitted again."""
    assert callable(count)
    with pytest.raises(ValueError, match="3 clusters, its baseline 2"):
        count()


def test_categories_by_name() -> None:
    """Named categories stand in their places; all others together are the unseen."""
    names = ("cancel", "refund", UNSEEN)
    assert by_name({"refund": 2, "new": 3, "odd": 4, UNSEEN: 1}, names).tolist() == [0, 2, 8]
    assert by_name({}, names).tolist() == [0, 0, 0]
