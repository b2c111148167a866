"""What is told of an exchange in one word each: label, length, language, schema.  Shares of these words are watched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from domain.comparers import normalise_label
from domain.records import Arm, Stage
from monitors.languages import language

if TYPE_CHECKING:
    from domain.records import Exchange
    from domain.settings import OutputSettings

LABEL, LENGTH, LANGUAGE, SCHEMA = "label", "length", "language", "schema"
OTHER = "other"
OK, FAILED = "ok", "failed"
LENGTHS = ("to_16", "to_32", "to_64", "to_128", "to_256", "to_512", "to_1024", "to_2048", "to_4096", "longer")
_STUDENTS = (Arm.CHAMPION, Arm.CHALLENGER)
_STRUCTURE = frozenset({"label", "json_schema"})  # the checks that tell whether an answer has its form


class Descriptors:
    """Describes the exchanges of one task."""

    def __init__(self, output: OutputSettings) -> None:
        self._labels: Mapping[str, str] = {normalise_label(label): label for label in output.labels}
        self._structured = bool(output.labels or output.json_schema)

    @property
    def families(self) -> Sequence[str]:
        """What is told of the task's exchanges."""
        own = [LABEL] if self._labels else []
        return [*own, LENGTH, LANGUAGE, *([SCHEMA] if self._structured else [])]

    def of(self, exchange: Exchange) -> dict[str, str]:
        """Family to word; what only a student's answer tells is left out where there is none."""
        told = {LENGTH: length(exchange.input_text), LANGUAGE: language(exchange.input_text)}
        form = self._form(exchange)
        if form:
            told[SCHEMA] = form
        if self._labels and form == OK and exchange.arm in _STUDENTS:
            told[LABEL] = self._labels.get(normalise_label(exchange.output_text), OTHER)
        return told

    def _form(self, exchange: Exchange) -> str:
        """Whether the student's answer had its form; empty: no student answered."""
        if not self._structured:
            return ""
        said = [each for each in exchange.decisions if each.stage is Stage.OUTPUT and each.arm in _STUDENTS]
        if any(each.check in _STRUCTURE and not each.failed for each in said):
            return FAILED
        return OK if exchange.arm in _STUDENTS and exchange.usable else ""


def length(text: str) -> str:
    """Which power of two bounds the characters of a text."""
    return LENGTHS[min(max((len(text) - 1).bit_length() - 4, 0), len(LENGTHS) - 1)] if text else LENGTHS[0]
