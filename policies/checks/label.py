"""The answer is one of the task's labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domain.comparers import normalise_label
from domain.errors import ConfigError
from domain.records import Decision, Span, Verdict

if TYPE_CHECKING:
    from domain.ports import Check, Subject

_MARGIN = 100  # characters that an answer may be longer than the longest label: a crafted one is dear to normalise


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How an answer may differ from a label.

    `exact`: not at all, for clients that look it up as it comes.  Else case, Unicode form, ASCII quotes, a full stop or
    exclamation mark around it, and blanks, hyphens and underscores for each other do not matter.
    """

    exact: bool = False


class LabelCheck:
    """Reasons: `not_in_taxonomy`."""

    name = "label"
    triggers: tuple[str, ...] = ()
    window: int | None = None  # the beginning of a label is none

    def __init__(self, options: Options, *, labels: tuple[str, ...]) -> None:
        """`labels` as configured; unless `exact` they are compared as `domain.comparers.normalise_label` sees them.

        Raises:
            ConfigError: there are none.
        """
        if not labels:
            raise ConfigError("", "the task has no labels: give output.labels, or leave the check out")
        self._labels = frozenset(labels)
        self._normalised: frozenset[str] = frozenset() if options.exact else frozenset(map(normalise_label, labels))
        self._most_chars = max(map(len, labels)) + _MARGIN

    def inspect(self, subject: Subject) -> Decision | None:
        """See `domain.ports.Check`."""
        spans = tuple(
            Span(number, 0, len(subject.texts[number]))
            for number in subject.answers
            if not self._knows(subject.texts[number])
        )
        return Decision(self.name, Verdict.FALLBACK, "not_in_taxonomy", spans) if spans else None

    def _knows(self, answer: str) -> bool:
        return answer in self._labels or (
            len(answer) <= self._most_chars and normalise_label(answer) in self._normalised
        )


if TYPE_CHECKING:
    _: Check = LabelCheck(Options(), labels=())
