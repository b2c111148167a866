"""What drift means for the student: do the pairs say that it still agrees with the teacher?  Pure."""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping, Sequence

import msgspec

from domain.records import Agreement, Baseline, Pair, Stratum
from monitors import agreement
from monitors.aspect import AGREEMENT
from monitors.sr import upper_bound

_DROP = 0.05  # of agreement: where a larger one can be excluded, agreement is stable


class Standing(enum.StrEnum):
    """What the pairs say of the student."""

    STABLE = "stable"  # it has not dropped by more than five points below what it was accepted with
    FELL = "fell"  # it is below what it was accepted with
    OPEN = "open"  # there are pairs, and they cannot tell
    UNKNOWN = "unknown"  # too few pairs, or nothing to hold them against


class Outlook(msgspec.Struct, frozen=True):
    """How student and teacher agree on some inputs, beside what the student was accepted with."""

    standing: Standing
    agreement: Agreement | None
    flagged: Agreement | None  # on the flagged inputs among them: one minus it is their share of errors
    accepted: float | None  # the lower bound of agreement at promotion


def outlook(pairs: Sequence[Pair], *, flagged: Collection[str], baselines: Mapping[Stratum, Baseline]) -> Outlook:
    """The outlook of these pairs; `flagged`: the ids of the flagged exchanges."""
    accepted, found = _accepted(baselines), agreement.estimate(pairs)
    own = agreement.estimate(pair for pair in pairs if pair.exchange_id in flagged)
    return Outlook(_standing(found, accepted), found, own, accepted)


def sentence(found: Outlook, *, drifted: bool) -> str:
    """The conclusion in words."""
    what, agreed = "drift" if drifted else "no drift", found.agreement
    if found.standing is Standing.UNKNOWN or agreed is None or found.accepted is None:
        pairs = 0 if agreed is None else agreed.pairs
        few = pairs < AGREEMENT.least
        why = f"{AGREEMENT.least} are needed" if few else "the student was accepted without a number to hold them to"
        return f"{what}; agreement unknown: {pairs} pairs, {why}"
    text = f"{agreed.estimate:.3f} [{agreed.lower:.3f}, {agreed.upper:.3f}] from {agreed.pairs} pairs"
    if found.standing is Standing.STABLE:
        return f"{what} {'but' if drifted else 'and'} agreement stable ({text}): no retraining needed"
    promised = f"the student was accepted with at least {found.accepted:.3f}"
    if found.standing is Standing.FELL:
        return f"{what}, and agreement fell ({text}; {promised}): prepare to retrain"
    return f"{what}; agreement open ({text}; {promised}): more pairs are needed to tell"


def _accepted(baselines: Mapping[Stratum, Baseline]) -> float | None:
    """The lower bound of agreement on all held-out items, one-sided Clopper-Pearson at 95 %; None if none agreed."""
    items, agreed = (sum(getattr(each, part) for each in baselines.values()) for part in ("items", "agreed"))
    return 1.0 - float(upper_bound(items - agreed, items)) if agreed else None


def _standing(found: Agreement | None, accepted: float | None) -> Standing:
    if found is None or accepted is None or found.pairs < AGREEMENT.least:
        return Standing.UNKNOWN
    if found.upper < accepted:
        return Standing.FELL
    return Standing.STABLE if found.lower >= accepted - _DROP else Standing.OPEN
