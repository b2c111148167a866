"""The sections of a policy: its checks, in order, and the tests that it carries."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from domain.records import Verdict
from domain.sections import Positive, Section


class AppliesTo(Section, frozen=True):
    """Which texts a check sees; empty: all of them."""

    roles: tuple[Literal["system", "developer", "user", "assistant", "tool"], ...] = ()  # of an input's messages
    texts: tuple[Literal["content", "refusal", "reasoning", "tool_arguments", "other"], ...] = ()  # of an answer
    choices: Literal["all", "first"] = "all"  # of an answer


class CheckSettings(Section, frozen=True):
    """One policy check.  In YAML a bare name, or `{name: {verdict: …, on_error: …, budget_ms: …, <options>}}`."""

    name: str
    id: str = ""  # what decisions and metrics call it, where one policy has a check twice; empty: the name
    mode: Literal["enforce", "shadow"] = "enforce"  # shadow: said, counted and kept, and nothing done
    verdict: Verdict | None = None  # what a finding becomes; None: the check's own default
    on_error: Verdict = Verdict.FALLBACK  # what a failed or late check becomes
    budget_ms: Positive = 50.0
    run: Literal["", "inline", "pooled"] = ""  # pooled: on a thread of its own, with the budget as its deadline
    applies_to: AppliesTo = AppliesTo()
    options: dict[str, Any] = msgspec.field(default_factory=dict)

    @property
    def called(self) -> str:
        """What decisions call it."""
        return self.id or self.name


class PolicyCase(Section, frozen=True):
    """A test that a policy carries: `preceptor check` runs it.  Without an output it is about the input."""

    expect: Verdict  # the strongest verdict of the stage
    input: str = ""
    output: str | None = None
    instructions: str = ""  # the system message
    check: str = ""  # who says so; empty: whoever


class PolicySettings(Section, frozen=True):
    """The checks of both stages, in the order in which they run."""

    input: tuple[CheckSettings, ...] = ()
    output: tuple[CheckSettings, ...] = ()
    # How a streamed answer waits for its verdict: as a whole, or a window of characters behind what the model writes.
    stream: Literal["", "buffer", "window"] = ""  # empty: window for free text, else buffer
    tests: tuple[PolicyCase, ...] = ()
