"""The answer is one of the task's labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domain.comparers import normalise_label
from domain.errors import ConfigError
from domain.records import Decision, Span, Verdict

if TYPE_CHECKING:
    from domain.ports import Check, Subject


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """None: the labels are those of the task."""


class LabelCheck:
    """Reasons: `not_in_taxonomy`."""

    name = "label"
    triggers: tuple[str, ...] = ()

    def __init__(self, options: Options, *, labels: tuple[str, ...]) -> None:
        """`labels` as configured; they are compared as `domain.comparers.normalise_label` sees them.

        Raises:
            ConfigError: there are none.
        """
        if not labels:
            raise ConfigError("", "the task has no labels: give output.labels, or leave the check out")
        self._labels = frozenset(map(normalise_label, labels))

    def inspect(self, subject: Subject) -> Decision | None:
        """See `domain.ports.Check`."""
        spans = tuple(
            Span(number, 0, len(subject.texts[number]))
            for number in subject.answers
            if normalise_label(subject.texts[number]) not in self._labels
        )
        return Decision(self.name, Verdict.FALLBACK, "not_in_taxonomy", spans) if spans else None


if TYPE_CHECKING:
    _: Check = LabelCheck(Options(), labels=())
