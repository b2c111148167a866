"""The answer is JSON and valid against the task's schema."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema_rs
import msgspec

from domain.records import Decision, Span, Verdict

if TYPE_CHECKING:
    from domain.ports import Check, Subject


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Answers longer than `max_chars` are not parsed but refused."""

    max_chars: int = 200_000


class JsonSchemaCheck:
    """Reasons: `too_long`, `not_json`, `not_valid`."""

    name = "json_schema"

    def __init__(self, options: Options, *, path: Path) -> None:
        """Compile the schema at `path` once; ValueError when it is missing or none."""
        self._max_chars = options.max_chars
        try:
            schema = msgspec.json.decode(path.read_bytes())
            self._validator = jsonschema_rs.validator_for(schema)
        except OSError as error:
            raise ValueError(f"cannot read the schema {path}: {error.strerror}") from None
        except (msgspec.DecodeError, jsonschema_rs.ValidationError, ValueError) as error:
            raise ValueError(f"{path} is no JSON schema: {str(error).splitlines()[0]}") from None

    def inspect(self, subject: Subject) -> Decision | None:
        """See `domain.ports.Check`."""
        for number in subject.answers:
            text = subject.texts[number]
            if reason := self._problem(text):
                return Decision(self.name, Verdict.FALLBACK, reason, (Span(number, 0, len(text)),))
        return None

    def _problem(self, text: str) -> str:
        if len(text) > self._max_chars:
            return "too_long"
        try:
            value = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            return "not_json"
        return "" if self._validator.is_valid(value) else "not_valid"


if TYPE_CHECKING:
    _: Check = JsonSchemaCheck(Options(), path=Path())
