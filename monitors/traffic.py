"""Reads from the store what was counted of a task's traffic, by the hour."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from domain.records import Deployment
from monitors.hour_book import hours_of
from monitors.ripening import Traffic, expected_days

if TYPE_CHECKING:
    from monitors.past import Past


def input_series(deployment: Deployment) -> str:
    """The series of the inputs: another reference has other clusters."""
    return f"inputs@{deployment.reference_id}"


def pair_series(deployment: Deployment) -> str:
    """The series of the pairs: they are about one student."""
    return f"pairs@{deployment.reference_id}@{deployment.at!r}"


async def read_traffic(store: Past, deployment: Deployment, *, after: int, at: float = math.inf) -> Traffic:
    """The hours that are `after` or later, and the days that had been called expected at the time `at`.

    Raises:
        StoreError: the store cannot be read.
    """
    task = deployment.task
    inputs = await store.tallies(task, input_series(deployment), after=after)
    pairs = await store.tallies(task, pair_series(deployment), after=after)
    marks = [mark for mark in await store.expected(task) if mark.at <= at]
    return Traffic(hours_of(inputs), hours_of(pairs), expected_days(marks))
