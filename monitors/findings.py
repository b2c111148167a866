"""What the checks found in the journalled exchanges, by the policy that judged them: shadow checks before they count.

All exchanges of a task are journalled with the same chance, so shares of them are shares of the traffic.  Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from domain.records import Decision, Pair, Stage, Verdict
from domain.store import Judged
from monitors.agreement import wilson
from monitors.aspect import disagreed

_REASONS = 5
_STOPS = frozenset({Verdict.REDACT, Verdict.FALLBACK, Verdict.BLOCK})


class Rate(msgspec.Struct, frozen=True):
    """In how many exchanges, and their share with its 95 % interval (Wilson)."""

    count: int
    share: float
    lower: float
    upper: float


class Place(msgspec.Struct, frozen=True, order=True):
    """A check as it stands in a policy."""

    stage: Stage
    shadow: bool
    check: str


class Found(msgspec.Struct, frozen=True):
    """What one check came to.  All numbers are of exchanges."""

    check: str
    stage: Stage
    shadow: bool
    verdicts: dict[Verdict, Rate]  # by the strongest that it gave; a shadow check only would have
    reasons: dict[str, int]  # the most frequent
    failed: int  # it could not run
    overlap: int  # a shadow finding about a text that an enforced check of its stage stopped anyway
    agreed: int  # student and teacher, of the `pairs` with a shadow finding
    pairs: int


class PolicyFindings(msgspec.Struct, frozen=True):
    """What the checks of one policy found in the exchanges that it judged."""

    policy: str  # its hash
    exchanges: int
    first_at: float
    last_at: float
    checks: tuple[Found, ...]


def findings(
    rows: Iterable[Judged], pairs: Iterable[Pair] = (), *, configured: Mapping[str, Sequence[Place]] | None = None
) -> list[PolicyFindings]:
    """The findings of each policy, the one that judged last first.

    Args:
        rows: exchanges, oldest first.
        pairs: those that may belong to them.
        configured: checks of a policy, by its hash: they are told of even where they found nothing.
    """
    answers = {pair.exchange_id: not event for pair in pairs if (event := disagreed(pair)) is not None}
    by_policy: dict[str, list[Judged]] = {}
    for row in rows:
        by_policy.setdefault(row.policy, []).append(row)
    told = [
        _policy(policy, judged, answers, (configured or {}).get(policy, ())) for policy, judged in by_policy.items()
    ]
    return sorted(told, key=lambda each: each.last_at, reverse=True)


def _policy(
    policy: str, rows: Sequence[Judged], answers: Mapping[str, bool], configured: Sequence[Place]
) -> PolicyFindings:
    tallies = {place: _Tally() for place in configured}
    for row in rows:
        if row.decisions:
            for place, said in _by_place(row.decisions).items():
                tallies.setdefault(place, _Tally()).add(said, row, answers.get(row.id))
    checks = tuple(tally.told(place, len(rows)) for place, tally in sorted(tallies.items(), key=lambda item: item[0]))
    return PolicyFindings(policy, len(rows), rows[0].at, rows[-1].at, checks)


def _by_place(decisions: Iterable[Decision]) -> dict[Place, list[Decision]]:
    grouped: dict[Place, list[Decision]] = {}
    for each in decisions:
        grouped.setdefault(Place(each.stage, each.shadow, each.check), []).append(each)
    return grouped


class _Tally:
    def __init__(self) -> None:
        self._verdicts: Counter[Verdict] = Counter()
        self._reasons: Counter[str] = Counter()
        self._failed = self._overlap = self._agreed = self._pairs = 0

    def add(self, said: Sequence[Decision], row: Judged, agreed: bool | None) -> None:
        """Count what one check said of one exchange: it may have judged the answers of several models."""
        found = [each for each in said if not each.failed]
        self._failed += len(found) < len(said)
        if not found:
            return
        self._verdicts[max((each.verdict for each in found), key=lambda verdict: verdict.severity)] += 1
        self._reasons.update({each.reason for each in found})
        if found[0].shadow:
            self._overlap += any(_stopped(each, row.decisions) for each in found)
            self._pairs += agreed is not None
            self._agreed += bool(agreed)

    def told(self, place: Place, exchanges: int) -> Found:
        verdicts = {
            verdict: _rate(self._verdicts[verdict], exchanges) for verdict in Verdict if self._verdicts[verdict]
        }
        return Found(
            *(place.check, place.stage, place.shadow, verdicts, dict(self._reasons.most_common(_REASONS))),
            failed=self._failed,
            overlap=self._overlap,
            agreed=self._agreed,
            pairs=self._pairs,
        )


def _stopped(finding: Decision, decisions: Iterable[Decision]) -> bool:
    """Whether an enforced check stopped the text of a shadow finding."""
    return any(
        each.verdict in _STOPS
        and not (each.shadow or each.failed)
        and each.stage is finding.stage
        and each.arm is finding.arm
        for each in decisions
    )


def _rate(count: int, exchanges: int) -> Rate:
    return Rate(count, count / exchanges, *wilson(count / exchanges, exchanges))
