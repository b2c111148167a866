"""Teacher examples as chat rows in a JSONL file, `{"messages": [system, user, assistant]}`.

A damaged line never hides the good ones.
"""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from domain.errors import DatasetError


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """One turn.  A teacher that declined has no content but a refusal."""

    role: str
    content: str | None = None
    refusal: str | None = None


class Row(msgspec.Struct, frozen=True):
    """One line of the file, as fine-tuning services read it."""

    messages: tuple[Message, ...]


class Example(msgspec.Struct, frozen=True):
    """What a student learns from: the last user message and the teacher's answer to it."""

    text: str
    answer: str


class LineProblem(msgspec.Struct, frozen=True):
    """A line that could not be read.  `line` counts from 1; `reason` carries no text of the row."""

    line: int
    reason: str


class RowFile(msgspec.Struct, frozen=True):
    """What a file holds: the rows that could be read and the lines that could not."""

    rows: tuple[Row, ...]
    problems: tuple[LineProblem, ...] = ()


_DECODER = msgspec.json.Decoder(Row)
_ENCODER = msgspec.json.Encoder()


def row_of(example: Example, *, prompt: str) -> Row:
    """The row of an example; an empty system prompt is left out."""
    system = (Message("system", prompt),) if prompt else ()
    return Row((*system, Message("user", example.text), Message("assistant", example.answer)))


def input_of(row: Row) -> str | None:
    """The last user message that has any text."""
    users = (message.content for message in reversed(row.messages) if message.role == "user")
    return next((text for text in users if text), None)


def encode_row(row: Row) -> bytes:
    """The row as a line, with its end."""
    return _ENCODER.encode(row) + b"\n"


def decode_row(line: bytes) -> Row:
    """The row in a line.

    Raises:
        ValueError: the line is no row; the text tells where, not what.
    """
    try:
        return _DECODER.decode(line)
    except UnicodeDecodeError:
        raise ValueError("not UTF-8 text") from None


def content_key(text: str) -> str:
    """Hash of an input as a reader takes it in: case, blanks and Unicode forms do not count.  64 hex digits."""
    plain = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


def dataset_sha256(examples: Iterable[Example]) -> str:
    """Hash of a set of examples, whatever their order.  64 hex digits."""
    digest = hashlib.sha256()
    for line in sorted(_ENCODER.encode(example) for example in examples):
        digest.update(line + b"\n")
    return digest.hexdigest()


def read_rows(path: Path) -> RowFile:
    """All rows of a file; lines that are damaged are reported, not raised.

    Raises:
        DatasetError: the file cannot be opened.
    """
    rows, problems = [], []
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        try:
            rows.append(decode_row(line.rstrip(b"\r\n")))
        except ValueError as error:
            problems.append(LineProblem(number, str(error)))
    return RowFile(tuple(rows), tuple(problems))


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Replace the file by these rows, whole or not at all.

    Raises:
        DatasetError: the file cannot be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as file:
            file.writelines(map(encode_row, rows))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise DatasetError(f"cannot write {path}: {error.strerror}") from None


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from file
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror}") from None
