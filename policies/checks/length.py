"""No text is too long, and no answer is empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domain.errors import ConfigError
from domain.records import Decision, Span, Stage, Verdict

if TYPE_CHECKING:
    from domain.ports import Check, Subject

_INPUT_CHARS, _OUTPUT_CHARS = 100_000, 20_000


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Characters of all texts of a stage together; by default 100,000 in and 20,000 out."""

    max_chars: int | None = None
    min_chars: int = 1  # of each answer; an input may be empty

    def __post_init__(self) -> None:
        if self.min_chars < 0:
            raise ConfigError("min_chars", f"{self.min_chars} must be 0 or more")
        if self.max_chars is not None and self.max_chars < max(1, self.min_chars):
            raise ConfigError("max_chars", f"{self.max_chars} must be at least 1 and at least min_chars")


class LengthCheck:
    """Reasons: `too_long`, `too_short`."""

    name = "length"
    triggers: tuple[str, ...] = ()
    # What is too long stays so, and is said of all texts, without a span.  What is too short may still grow, so its
    # span is the empty one where the text ends: no more text is ever final before that.
    window: int | None = 0

    def __init__(self, options: Options) -> None:
        self._most = {
            Stage.INPUT: options.max_chars or _INPUT_CHARS,
            Stage.OUTPUT: options.max_chars or _OUTPUT_CHARS,
        }
        self._least = options.min_chars

    def inspect(self, subject: Subject) -> Decision | None:
        """See `domain.ports.Check`."""
        if sum(map(len, subject.texts)) > self._most[subject.stage]:
            return Decision(self.name, Verdict.BLOCK, "too_long")
        spans = tuple(
            Span(number, len(subject.texts[number]), len(subject.texts[number]))
            for number in subject.answers
            if len(subject.texts[number].strip()) < self._least
        )
        return Decision(self.name, Verdict.BLOCK, "too_short", spans) if spans else None


if TYPE_CHECKING:
    _: Check = LengthCheck(Options())
