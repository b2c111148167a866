"""A JSONL file of rows that grows while answers are paid for: what a killed process had appended is there."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Self

from distill.examples import Row, decode_row, encode_row
from domain.errors import DatasetError

_SYNC_EVERY = 64  # rows that a power cut may cost


class RowAppender:
    """A context in which one process appends to a file; a row is in the file when `append` returns.

    A last line that a killed process left unfinished is cut off at the start.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unsynced = 0

    def __enter__(self) -> Self:
        """Open and lock the file, and make it end with a whole line.

        Raises:
            DatasetError: the file cannot be written, or another process writes it.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = FileIO(self._path, "a+b")  # no buffer: nothing waits in a process that may be killed
        except OSError as error:
            raise self._failed(error) from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise DatasetError(f"{self._path} is being written by another process; wait, or name another") from None
        self._repair()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._file:
            self._sync()

    def append(self, rows: Sequence[Row]) -> None:
        """Add rows at the end.

        Raises:
            DatasetError: the disk refused (full); none or a part of the last row may be there.
        """
        try:
            self._write(b"".join(map(encode_row, rows)))
        except OSError as error:
            raise self._failed(error) from None
        self._unsynced += len(rows)
        if self._unsynced >= _SYNC_EVERY:
            self._sync()

    def _write(self, body: bytes) -> None:
        rest = memoryview(body)
        while rest:  # without a buffer a write may be short
            rest = rest[self._file.write(rest) :]

    def _sync(self) -> None:
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._failed(error) from None
        self._unsynced = 0

    def _repair(self) -> None:
        """End the file with a whole line: finish the last one if it is a row, else cut it off."""
        self._file.seek(0)
        body = self._file.readall()
        start = body.rfind(b"\n") + 1
        if start == len(body):
            return
        try:
            decode_row(body[start:])
        except ValueError:
            self._file.truncate(start)
        else:
            self._write(b"\n")

    def _failed(self, error: OSError) -> DatasetError:
        return DatasetError(f"cannot write {self._path}: {error.strerror}; make it writable, or free space, and rerun")
