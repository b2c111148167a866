"""When a family of counts may page: not before its baseline can be believed; and when that is learned again."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from monitors.windowed.history import History

BUSY_INPUTS, BUSY_PAIRS = 1000.0, 100.0  # a day on average; where traffic has both, a week is enough
_SHORT_DAYS, _LONG_DAYS, _FINAL_DAYS = 7, 14, 28
_LISTED_DAYS = 3
_WEEKEND_DAYS = 2
_HARMLESS = 2


class Subject(StrEnum):
    """What is to be armed."""

    NOVELTY = "novelty"
    SHARES = "shares"
    AGREEMENT = "agreement"


class Summary(msgspec.Struct, frozen=True):
    """What the history of a family amounts to."""

    days: int  # whole ones
    weekend_days: int  # of these
    inputs_per_day: float  # means
    pairs_per_day: float

    @classmethod
    def of(cls, own: History, *, inputs: History, pairs: History) -> Summary:
        """`own`: what the baseline is fitted on; `inputs` and `pairs`: what the volumes are read from."""
        return cls(
            len(own.days),
            int(own.weekend.sum()),
            float(inputs.inputs.sum()) / max(len(inputs.days), 1),
            float(pairs.pairs.sum()) / max(len(pairs.days), 1),
        )

    @property
    def needed_days(self) -> int:
        """Days after which a baseline can be believed."""
        busy = self.inputs_per_day >= BUSY_INPUTS and self.pairs_per_day >= BUSY_PAIRS
        return _SHORT_DAYS if busy else _LONG_DAYS


class Armed(msgspec.Struct, frozen=True):
    """The family may page."""


class Waiting(msgspec.Struct, frozen=True):
    """It may not yet."""

    reason: str  # in words, such as "needs 3 more days and a weekend"
    listed: bool  # whether its warnings are listed meanwhile; else only numbers are shown


def readiness(subject: Subject, summary: Summary) -> Armed | Waiting:
    """Whether a family may page, and what it waits for."""
    missing = summary.needed_days - summary.days
    needs = [f"{missing} more day{'s' * (missing > 1)}"] if missing > 0 else []
    if summary.weekend_days < _WEEKEND_DAYS:
        needs.append("a weekend")
    if not needs:
        return Armed()
    listed = subject is not Subject.SHARES and summary.days >= _LISTED_DAYS
    return Waiting(f"needs {' and '.join(needs)}", listed)


def refit_due(subject: Subject, *, days: int, fitted_days: int, alarms: int, harmless: int) -> str:
    """Why the baseline should be learned again, in words; empty: it should not.

    Inputs are learned again when there are 14 days, agreement also when there are 28, unless something has alarmed:
    what has begun to go wrong must not become normal.  Two alarms that were called expected end that: the days count.

    Args:
        subject: What the baseline is of.
        days: Whole days known now.
        fitted_days: Whole days it was learned from.
        alarms: Since it was learned.
        harmless: Those of the alarms that were called expected.
    """
    if harmless >= _HARMLESS:
        return f"{harmless} alarms were expected"
    steps = (_LONG_DAYS, _FINAL_DAYS) if subject is Subject.AGREEMENT else (_LONG_DAYS,)
    reached = [step for step in steps if fitted_days < step <= days]
    return f"{reached[-1]} days are known" if reached and not alarms else ""
