"""The conditions of a promotion, stated before anyone looks at the numbers.  Pure."""

from __future__ import annotations

from typing import Literal

import msgspec

from distill.intervals import difference_lower, mcnemar
from domain.records import Agreement


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """What a challenger must show on held-out rows.

    Against a champion: with confidence `level` its agreement is not more than `margin` lower (non-inferiority).  The
    first student of a task has nobody to compare with: the lower end of its interval must reach `floor`.
    """

    margin: float = 0.03
    floor: float = 0.7
    level: float = 0.95


DEFAULT_GATE = Gate()


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Challenger against champion on the same rows."""

    champion: str
    champion_agreement: Agreement
    gained: int  # rows on which only the challenger agrees with the teacher
    lost: int  # rows on which only the champion does
    difference: float
    difference_lower: float  # one-sided bound at the gate's level
    p_value: float  # exact McNemar, two-sided


class Outcome(msgspec.Struct, frozen=True):
    """Whether the gate opens, and why, with the numbers."""

    passed: bool
    reason: str
    rule: Literal["non-inferiority", "floor"]


def compare(champion: str, champion_agreement: Agreement, *, gained: int, lost: int, gate: Gate) -> Comparison:
    """The paired comparison from its discordant rows."""
    items = champion_agreement.pairs
    return Comparison(
        champion=champion,
        champion_agreement=champion_agreement,
        gained=gained,
        lost=lost,
        difference=(gained - lost) / items if items else 0.0,
        difference_lower=difference_lower(gained, lost, items, level=gate.level),
        p_value=mcnemar(gained, lost),
    )


def judge(agreement: Agreement, comparison: Comparison | None, gate: Gate) -> Outcome:
    """Apply the gate."""
    rows = f"{agreement.pairs} held-out rows"
    if comparison is None:
        passed = agreement.lower >= gate.floor
        sign = ">=" if passed else "<"
        return Outcome(passed, f"lower bound {agreement.lower:.3f} {sign} floor {gate.floor:g} on {rows}", "floor")
    passed = comparison.difference_lower > -gate.margin
    sign = ">" if passed else "<="
    reason = (
        f"difference to {comparison.champion} {comparison.difference:+.3f}, at least "
        f"{comparison.difference_lower:+.3f} {sign} -{gate.margin:g} (margin) at {gate.level:.0%} on {rows}"
    )
    return Outcome(passed, reason, "non-inferiority")
