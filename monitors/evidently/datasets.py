"""Columns as Evidently datasets, and Evidently's own drift metric for those that describe inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from evidently import DataDefinition, Dataset
from evidently.metrics import ValueDrift

LEAST = 50  # values on both sides, for a comparison to be shown
_MANY = 1000  # values on both sides from which on a distance is meant, below it a test
_DISTANCE, _ALPHA = 0.1, 0.01


class Columns:
    """Columns of current and of reference values, of any length each."""

    def __init__(self) -> None:
        self._numbers: dict[str, tuple[Sequence[float], Sequence[float]]] = {}
        self._words: dict[str, tuple[Sequence[str], Sequence[str]]] = {}

    def add_numbers(self, name: str, current: Sequence[float], reference: Sequence[float]) -> None:
        """A numerical column."""
        self._numbers[name] = (current, reference)

    def add_words(self, name: str, current: Sequence[str], reference: Sequence[str]) -> None:
        """A categorical column."""
        self._words[name] = (current, reference)

    def datasets(self) -> tuple[Dataset, Dataset]:
        """Current and reference; shorter columns end with nothing, which every metric leaves out."""
        definition = DataDefinition(numerical_columns=list(self._numbers), categorical_columns=list(self._words))
        current, reference = (
            pd.DataFrame(
                {name: pd.Series(both[side], dtype=float) for name, both in self._numbers.items()}
                | {name: pd.Series(both[side], dtype=object) for name, both in self._words.items()}
            )
            for side in (0, 1)
        )
        return Dataset.from_pandas(current, definition), Dataset.from_pandas(reference, definition)


def described(
    columns: Columns, current: Sequence[Mapping[str, str]], earlier: Sequence[Mapping[str, str]]
) -> list[Any]:
    """Adds a column for each family of words that describe inputs; returns the metrics that compare them.

    Without tests: a day is not as the days before it, and that alone is no fault.  From 1,000 values on a side on, the
    Jensen-Shannon distance is shown against 0.1; with fewer, where distances are large by chance, a chi-squared test.
    """
    families = dict.fromkeys(family for row in current for family in row)
    metrics: list[Any] = []
    for family in families:
        sides = [[row[family] for row in rows if family in row] for rows in (current, earlier)]
        if min(map(len, sides)) < LEAST:
            continue
        columns.add_words(family, *sides)
        many = min(map(len, sides)) >= _MANY
        method, threshold = ("jensenshannon", _DISTANCE) if many else ("chisquare", _ALPHA)
        metrics.append(ValueDrift(column=family, method=method, threshold=threshold, tests=[]))
    return metrics
