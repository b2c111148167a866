from __future__ import annotations

import errno

import pytest

from distill.appender import RowAppender
from distill.examples import Example, encode_row, read_rows, row_of
from domain.errors import DatasetError

ONE, TWO, THREE = (row_of(Example(text, "x"), prompt="") for text in ("one", "two", "three"))


def test_a_row_is_in_the_file_when_append_returns(tmp_path):
    """A process killed right after `append` must have lost nothing: no buffer may hold the row."""
    path = tmp_path / "rows.jsonl"
    with RowAppender(path) as rows:
        rows.append([ONE, TWO])
        assert read_rows(path).rows == (ONE, TWO)


@pytest.mark.parametrize(
    ("tail", "kept"),
    [
        (b"", (ONE,)),
        (b'{"messages":[{"role":"us', (ONE,)),
        (b"\xff\xfe", (ONE,)),
        (encode_row(TWO)[:-1], (ONE, TWO)),
    ],
)
def test_an_unfinished_last_line_is_repaired(tmp_path, tail, kept):
    """What a killed process left must neither be lost when whole nor spoil the next row when not."""
    path = tmp_path / "rows.jsonl"
    path.write_bytes(encode_row(ONE) + tail)
    with RowAppender(path) as rows:
        rows.append([THREE])
    found = read_rows(path)
    assert (found.rows, found.problems) == ((*kept, THREE), ())


def test_two_writers_are_refused(tmp_path):
    """Two runs on one file would pay twice, so the second must be told."""
    path = tmp_path / "rows.jsonl"
    with RowAppender(path), pytest.raises(DatasetError, match="another process"), RowAppender(path):
        pass


def test_a_file_that_cannot_be_opened_is_one_line(tmp_path):
    """The error must name the file."""
    with pytest.raises(DatasetError, match=f"cannot write {tmp_path}"), RowAppender(tmp_path):
        pass


def test_a_full_disk_is_one_line(tmp_path, monkeypatch):
    """A refused write must become a DatasetError that says what to do, not a traceback."""
    with RowAppender(tmp_path / "rows.jsonl") as rows:

        def full(body: bytes) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(rows, "_write", full)
        with pytest.raises(DatasetError, match="No space left on device; make it writable, or free space"):
            rows.append([ONE])


def test_many_rows_reach_the_disk_in_batches(tmp_path, monkeypatch):
    """A power cut may cost some rows, never all: every 64 rows the file must be synced."""
    synced = []
    monkeypatch.setattr("os.fsync", synced.append)
    with RowAppender(tmp_path / "rows.jsonl") as rows:
        rows.append([ONE] * 130)
        assert len(synced) == 1
        rows.append([ONE] * 10)
        assert len(synced) == 1
    assert len(synced) == 2
