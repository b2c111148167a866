"""Which texts of a subject a check sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domain.records import Stage

if TYPE_CHECKING:
    from domain.ports import Subject
    from domain.settings import AppliesTo


class Scope:
    """Narrows subjects to the texts that a check applies to."""

    def __init__(self, applies_to: AppliesTo) -> None:
        self._kinds = {Stage.INPUT: frozenset(applies_to.roles), Stage.OUTPUT: frozenset(applies_to.texts)}
        self._first_only = applies_to.choices == "first"

    def narrow(self, subject: Subject) -> Subject:
        """The subject with the other texts empty, so that every text keeps its number.

        Of one that does not say what its texts are, a check sees everything.
        """
        if not subject.kinds:
            return subject
        kinds = self._kinds[subject.stage]
        seen = [kind in kinds for kind in subject.kinds] if kinds else [True] * len(subject.kinds)
        if self._first_only and subject.choices:
            seen = [each and choice == 0 for each, choice in zip(seen, subject.choices, strict=True)]
        return msgspec.structs.replace(
            subject,
            texts=tuple([text if each else "" for text, each in zip(subject.texts, seen, strict=True)]),
            answers=tuple([number for number in subject.answers if seen[number]]),
        )
