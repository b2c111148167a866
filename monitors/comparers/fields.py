"""JSON answers compared field by field: the F1 of the fields that both have alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from domain.monitoring import JsonFields
from monitors.comparers.port import Judgement

if TYPE_CHECKING:
    from domain.records import Exchange
    from monitors.comparers.port import AnswerComparer

INVALID = "invalid_json"
_MOST_PAIRINGS = 2_500  # of two unordered lists; larger ones are compared in their order


class FieldsComparer:
    """F1 = 2 x fields alike / (fields of the student + fields of the teacher), in [0, 1].

    A field is a path to a string, number, boolean, null or empty container; a list item has its place in the list, but
    in the lists that `unordered` names, where items are matched so that most fields are alike (Kuhn 1955).  A number is
    like the teacher's when it is off by no more than `tolerance` times the teacher's.  Text that is no JSON scores 0.
    """

    def __init__(self, settings: JsonFields) -> None:
        self._settings = settings
        self._alike = _Alike(settings.tolerance, frozenset(settings.unordered))

    async def compare(self, exchange: Exchange, student: str, teacher: str) -> Judgement:
        """See `AnswerComparer`."""
        try:
            ours, theirs = msgspec.json.decode(student), msgspec.json.decode(teacher)
            score = 2 * self._alike.count(ours, theirs, "") / (_size(ours) + _size(theirs))
        except (msgspec.DecodeError, RecursionError):  # nested too deeply to be an answer
            return Judgement(False, 0.0, reason=INVALID)
        return Judgement(score >= self._settings.least, score)

    async def aclose(self) -> None:
        """See `AnswerComparer`."""


class _Alike:
    """Counts the fields that two JSON values have alike."""

    def __init__(self, tolerance: float, unordered: frozenset[str]) -> None:
        self._tolerance = tolerance
        self._unordered = unordered

    def count(self, ours: Any, theirs: Any, path: str) -> int:
        """Fields below `path`, the keys on the way joined by dots, that are alike."""
        if isinstance(ours, dict) and isinstance(theirs, dict) and (ours or theirs):
            shared = ours.keys() & theirs.keys()
            return sum(self.count(ours[key], theirs[key], f"{path}.{key}" if path else key) for key in shared)
        if isinstance(ours, list) and isinstance(theirs, list) and (ours or theirs):
            if path in self._unordered and len(ours) * len(theirs) <= _MOST_PAIRINGS:
                return self._matched(ours, theirs, path)
            return sum(self.count(one, other, path) for one, other in zip(ours, theirs, strict=False))
        return int(self._equal(ours, theirs))

    def _matched(self, ours: list[Any], theirs: list[Any], path: str) -> int:
        from scipy.optimize import linear_sum_assignment

        alike = np.array([[self.count(one, other, path) for other in theirs] for one in ours], int)
        alike = alike.reshape(len(ours), len(theirs))  # of an empty list, too
        rows, columns = linear_sum_assignment(alike, maximize=True)
        return int(alike[rows, columns].sum())

    def _equal(self, ours: Any, theirs: Any) -> bool:
        if isinstance(ours, bool) or isinstance(theirs, bool):
            return ours is theirs
        if isinstance(ours, int | float) and isinstance(theirs, int | float):
            return ours == theirs or self._near(ours, theirs)
        return bool(ours == theirs)

    def _near(self, ours: float, theirs: float) -> bool:
        try:
            return abs(float(ours) - float(theirs)) <= self._tolerance * abs(float(theirs))
        except OverflowError:  # JSON knows integers that no float holds
            return False


def _size(value: Any) -> int:
    """Fields of a JSON value; an empty container is one, and so is a bare value."""
    if isinstance(value, dict) and value:
        return sum(_size(each) for each in value.values())
    if isinstance(value, list) and value:
        return sum(_size(each) for each in value)
    return 1


if TYPE_CHECKING:
    _: AnswerComparer = FieldsComparer(JsonFields())
