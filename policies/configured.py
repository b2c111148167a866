"""A check with what the operator decided about it: runs it and says what its finding, its failure or its lateness is.

A check that raises or works too long never lets a text through unseen: it becomes a decision with its `on_error`
verdict.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from domain.records import Decision, Stage, Verdict

if TYPE_CHECKING:
    from domain.clock import Clock
    from domain.ports import Check, Subject, WaitingCheck
    from policies.scope import Scope

_LOG = logging.getLogger(__name__)

CHECK_ERROR = "check_error"
OVER_BUDGET = "over_budget"

C = TypeVar("C", bound="Check | WaitingCheck")


class UnavailableError(Exception):
    """A check cannot run now, for a reason that is worth telling apart; `reason` is a code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ConfiguredCheck(msgspec.Struct, Generic[C], frozen=True, kw_only=True):
    """A check of one stage.  `called` is its name in decisions."""

    check: C
    called: str
    stage: Stage
    verdict: Verdict  # of a finding
    on_error: Verdict
    budget_s: float
    shadow: bool = False
    safety: bool = False  # what it finds is unsafe, whichever model wrote it
    scope: Scope | None = None  # None: it sees every text

    def ruled(self, finding: Decision | None) -> list[Decision]:
        """The finding as the operator wants it told."""
        if finding is None or self.verdict is Verdict.ALLOW:
            return []
        told = Decision(self.called, self.verdict, finding.reason, finding.spans, stage=self.stage, shadow=self.shadow)
        return [told]

    def failed(self, reason: str) -> Decision:
        """A failed check is never silent: `on_error: allow` still leaves a flag."""
        verdict = Verdict.FLAG if self.on_error is Verdict.ALLOW else self.on_error
        return Decision(self.called, verdict, reason, stage=self.stage, shadow=self.shadow, failed=True)


def inspect(configured: ConfiguredCheck[Check], subject: Subject) -> list[Decision]:
    """What a check says of a subject; at most one thing."""
    if configured.scope is not None:
        subject = configured.scope.narrow(subject)
    try:
        finding = configured.check.inspect(subject)
    except Exception as error:  # noqa: BLE001 - whatever a plug-in raises must not let the text through
        return [_broken(configured, error)]
    return configured.ruled(finding) if finding is not None else []


async def inspect_waiting(configured: ConfiguredCheck[WaitingCheck], subject: Subject) -> list[Decision]:
    """What a check that waits says of a subject within its budget; at most one thing."""
    if configured.scope is not None:
        subject = configured.scope.narrow(subject)
    try:
        async with asyncio.timeout(configured.budget_s):
            finding = await configured.check.inspect(subject)
    except TimeoutError:
        return [configured.failed(OVER_BUDGET)]
    except Exception as error:  # noqa: BLE001 - whatever a plug-in raises must not let the text through
        return [_broken(configured, error)]
    return configured.ruled(finding)


def works_too_long(configured: ConfiguredCheck[Check], subject: Subject, clock: Clock) -> bool:
    """Time the check again, by its own work: on a busy machine the clock on the wall blames the wrong one.

    The clock of the work is too dear to be read for every request.
    """
    before = clock.cpu_s()
    inspect(configured, subject)
    return clock.cpu_s() - before > configured.budget_s


def _broken(configured: ConfiguredCheck[C], error: Exception) -> Decision:
    reason = error.reason if isinstance(error, UnavailableError) else CHECK_ERROR
    _LOG.error("check_failed check=%s reason=%s error=%s", configured.called, reason, type(error).__name__)
    return configured.failed(reason)
