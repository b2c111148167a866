"""Shares of inputs with their intervals, and how many times as large one is as another.  Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from monitors import contrast
from monitors.agreement import wilson
from monitors.contrast import Sample

FALSE_DISCOVERIES = 0.05  # of the categories that are said to have grown
_Z = 1.959963984540054  # two-sided 95 %


class Counted(msgspec.Struct, frozen=True):
    """`count` of `of` inputs: their share with Wilson's 95 % interval.  0 of 0 is a share of 0 that says nothing."""

    count: int
    of: int
    share: float
    lower: float
    upper: float


class Change(msgspec.Struct, frozen=True):
    """How many times as large a share is as it was, with a 95 % interval."""

    times: float
    lower: float
    upper: float


def counted(count: int, of: int) -> Counted:
    """The share of `count` inputs among `of`."""
    if not of:
        return Counted(0, 0, 0.0, 0.0, 1.0)
    return Counted(count, of, count / of, *wilson(count / of, of))


def change(now: Counted, before: Counted) -> Change | None:
    """The ratio of two shares; None where one of them is of no input.

    The interval is that of Katz et al. (1978), with half an input added everywhere, so that none is none divided by
    none.  It takes inputs for independent: of sticky or seasonal traffic it is too narrow.
    """
    if not (now.of and before.of):
        return None
    a, n, b, m = now.count + 0.5, now.of + 0.5, before.count + 0.5, before.of + 0.5
    ratio, half = (a / n) / (b / m), _Z * math.sqrt(1 / a - 1 / n + 1 / b - 1 / m)
    return Change(ratio, ratio * math.exp(-half), ratio * math.exp(half))


def grown(now: Sequence[Counted], before: Sequence[Counted]) -> list[bool]:
    """Which of several categories have a larger share than before: of those named, one in twenty is wrong on average.

    Fisher's exact test for each (see `monitors.contrast`), with Benjamini and Hochberg's (1995) rule for all.
    """
    if not now or not (now[0].of and before[0].of):
        return [False] * len(now)
    p_values = contrast.higher(_sample(now), _sample(before))
    found: list[bool] = (contrast.false_discovery_rates(p_values) <= FALSE_DISCOVERIES).tolist()
    return found


def _sample(rows: Sequence[Counted]) -> Sample:
    of, count = np.array([row.of for row in rows], float), np.array([row.count for row in rows], float)
    return Sample(of, of, count, of, count)
