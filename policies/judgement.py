"""What the checks of a stage said together."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from domain.records import Decision, Stage, Verdict
from policies.redaction import redact

_FINAL = {
    Stage.INPUT: frozenset({Verdict.BLOCK}),
    Stage.OUTPUT: frozenset({Verdict.BLOCK, Verdict.FALLBACK}),
}


class Judgement(msgspec.Struct, frozen=True):
    """The strongest verdict of an enforced check, everything that was said, and the texts as they may be passed on."""

    verdict: Verdict
    decisions: tuple[Decision, ...]
    texts: tuple[str, ...]

    @property
    def reason(self) -> str:
        """`check:reason` of what decided; empty when all is allowed."""
        found = self._decisive()
        return "" if found is None else f"{found.check}:{found.reason}"

    @property
    def unavailable(self) -> bool:
        """Whether it rests on a check that could not run, and on nothing that was found."""
        found = self._decisive()
        return found is not None and found.failed

    def final(self, stage: Stage) -> bool:
        """Whether nothing that another check says could matter."""
        return self.verdict in _FINAL[stage]

    def with_decisions(self, decisions: Iterable[Decision], texts: tuple[str, ...]) -> Judgement:
        """The same with what other checks said of the subject's `texts`."""
        found = tuple(decisions)
        return judgement(texts, self.decisions + found) if found else self

    def _decisive(self) -> Decision | None:
        """The first decision with the strongest verdict; one that found something before one that could not run."""
        deciding = [each for each in self.decisions if each.verdict is self.verdict and not each.shadow]
        return next((each for each in deciding if not each.failed), deciding[0] if deciding else None)


def judgement(texts: tuple[str, ...], decisions: tuple[Decision, ...]) -> Judgement:
    """What the decisions about these texts amount to."""
    verdict = max((each.verdict for each in decisions if not each.shadow), key=_severity, default=Verdict.ALLOW)
    return Judgement(verdict, decisions, redact(texts, decisions))


def is_final(decision: Decision) -> bool:
    """Whether a decision ends its stage."""
    return decision.verdict in _FINAL[decision.stage] and not decision.shadow


def _severity(verdict: Verdict) -> int:
    return verdict.severity
