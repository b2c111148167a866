"""The answer is JSON and valid against the task's schema."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from domain.errors import ConfigError
from domain.records import Decision, Span, Verdict

if TYPE_CHECKING:
    from domain.ports import Check, Subject


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Answers longer than `max_chars` are not parsed but refused."""

    max_chars: int = 200_000

    def __post_init__(self) -> None:
        if self.max_chars < 1:
            raise ConfigError("max_chars", f"{self.max_chars} must be at least 1")


class JsonSchemaCheck:
    """Reasons: `too_long`, `not_json`, `not_valid`."""

    name = "json_schema"
    triggers: tuple[str, ...] = ()
    window: int | None = None  # the beginning of a JSON text is none

    def __init__(self, options: Options, *, path: Path) -> None:
        """Compile the schema at `path` once.

        Raises:
            ConfigError: the file is missing or no JSON schema, or it refers to another one.
        """
        self._max_chars = options.max_chars
        self._validator = _compile(path)

    def inspect(self, subject: Subject) -> Decision | None:
        """See `domain.ports.Check`."""
        problems = {number: self._problem(subject.texts[number]) for number in subject.answers}
        spans = tuple(
            Span(number, 0, len(subject.texts[number]), self.name) for number, problem in problems.items() if problem
        )
        return Decision(self.name, Verdict.FALLBACK, problems[spans[0].text], spans) if spans else None

    def _problem(self, text: str) -> str:
        if len(text) > self._max_chars:
            return "too_long"
        try:
            value = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            return "not_json"
        return "" if self._validator.is_valid(value) else "not_valid"


def _compile(path: Path) -> Any:
    import jsonschema_rs  # 3 MiB that a task without a schema does not need

    try:
        schema = msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise ConfigError("", f"cannot read the schema {path}: {error.strerror}") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise ConfigError("", f"the schema {path} is not JSON: {error}") from None
    try:
        # The linear-time engine: a pattern that needs look-around is refused here, not paid for by a crafted answer.
        engine = jsonschema_rs.RegexOptions()
        return jsonschema_rs.validator_for(schema, retriever=_refuse, pattern_options=engine)
    except ValueError as error:
        raise ConfigError("", f"{path} is no usable JSON schema: {str(error).splitlines()[0]}") from None


def _refuse(uri: str) -> NoReturn:
    raise ValueError(f"{uri} is another document, put its definitions into this one")


if TYPE_CHECKING:
    _: Check = JsonSchemaCheck(Options(), path=Path())
