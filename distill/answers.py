"""What a usable answer of a task looks like: a label, JSON of a schema, or text.  Pure but for reading the schema."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import jsonschema_rs

from domain.comparers import normalise_label
from domain.errors import ConfigError
from domain.settings import OutputSettings


class AnswerRule(Protocol):
    """Tells usable answers from others, and writes them one way."""

    def canonical(self, answer: str) -> str | None:
        """The answer in the one form that students learn, or None when it is not usable."""
        ...

    def group(self, answer: str) -> str:
        """The stratum of a canonical answer, for balanced samples and counts."""
        ...


class LabelRule:
    """One of the task's labels, in the task's own spelling."""

    def __init__(self, labels: tuple[str, ...]) -> None:
        self._labels = {normalise_label(label): label for label in labels}

    def canonical(self, answer: str) -> str | None:
        """See `AnswerRule`."""
        return self._labels.get(normalise_label(answer))

    def group(self, answer: str) -> str:
        """See `AnswerRule`."""
        return answer


class SchemaRule:
    """JSON that the schema accepts, with sorted keys and no blanks."""

    def __init__(self, schema: str) -> None:
        self._validator = jsonschema_rs.validator_for(schema)

    def canonical(self, answer: str) -> str | None:
        """See `AnswerRule`."""
        try:
            value = json.loads(answer)
        except ValueError:
            return None
        if not self._validator.is_valid(value):
            return None
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    def group(self, answer: str) -> str:
        """See `AnswerRule`."""
        return "json"


class TextRule:
    """Any text."""

    def canonical(self, answer: str) -> str | None:
        """See `AnswerRule`."""
        return answer.strip() or None

    def group(self, answer: str) -> str:
        """See `AnswerRule`."""
        return "text"


def answer_rule(output: OutputSettings, *, root: Path, path: str) -> AnswerRule:
    """The rule of a task's `output` section; `path` is that section's key, `root` where relative files start.

    Raises:
        ConfigError: the schema file is missing or no JSON schema.
    """
    if output.labels:
        return LabelRule(output.labels)
    if not output.json_schema:
        return TextRule()
    try:
        return SchemaRule(_schema(output, root))
    except OSError as error:
        raise ConfigError(f"{path}.json_schema", f"cannot read {output.json_schema}: {error.strerror}") from None
    except ValueError:
        raise ConfigError(f"{path}.json_schema", f"{output.json_schema} is not a JSON schema") from None


def output_sha256(output: OutputSettings, *, root: Path) -> str:
    """Hash of what answers may be: of the sorted labels, of the schema file, or of the word `text`.  64 hex digits."""
    if output.json_schema:
        return hashlib.sha256(_schema(output, root).encode()).hexdigest()
    return hashlib.sha256(("\n".join(sorted(output.labels)) or "text").encode()).hexdigest()


def _schema(output: OutputSettings, root: Path) -> str:
    return (root / output.json_schema).read_text(encoding="utf-8")


if TYPE_CHECKING:
    _label: AnswerRule = LabelRule(())
    _schema_rule: AnswerRule = SchemaRule("")
    _text: AnswerRule = TextRule()
