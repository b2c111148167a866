from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill.examples import (
    Example,
    Message,
    Row,
    content_key,
    dataset_sha256,
    decode_row,
    encode_row,
    input_of,
    read_rows,
    row_of,
    write_rows,
)
from domain.errors import DatasetError

GOOD = b'{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"greet"}]}\n'


def test_a_row_is_what_fine_tuning_services_read():
    """The line must have exactly the published shape, without empty fields."""
    row = row_of(Example("hi", "greet"), prompt="Be short.")
    assert encode_row(row) == (
        b'{"messages":[{"role":"system","content":"Be short."},{"role":"user","content":"hi"},'
        b'{"role":"assistant","content":"greet"}]}\n'
    )
    assert encode_row(row_of(Example("hi", "greet"), prompt="")) == GOOD


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_any_text_survives_the_file(text, answer):
    """Line ends, quotes and rare characters must come back as they went."""
    row = row_of(Example(text, answer), prompt="p")
    line = encode_row(row)
    assert line.count(b"\n") == 1
    assert decode_row(line) == row


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"messages":[{"role":"user","cont', "truncated"),
        (b"not json\n", "malformed"),
        (b'{"rows":[]}\n', "missing required field `messages`"),
        (b'{"messages":[{"role":1}]}\n', "Expected `str`"),
        (b'{"messages":[{"role":"user","content":"\xff"}]}\n', "not UTF-8"),
    ],
)
def test_a_damaged_line_is_named_and_the_rest_kept(tmp_path, line, reason):
    """One bad line must cost one line, and its report must say where and why."""
    path = tmp_path / "rows.jsonl"
    path.write_bytes(GOOD + b"\n" + line.rstrip(b"\n") + b"\n" + GOOD)
    found = read_rows(path)
    assert len(found.rows) == 2
    assert [problem.line for problem in found.problems] == [3]
    assert reason in found.problems[0].reason


def test_a_missing_file_is_one_line(tmp_path):
    """The error must name the file, so that the user can correct it."""
    with pytest.raises(DatasetError, match=r"cannot read .*none\.jsonl: No such file"):
        read_rows(tmp_path / "none.jsonl")


def test_writing_replaces_the_file_whole(tmp_path):
    """After a write the file must hold the new rows and the folder nothing else."""
    path = tmp_path / "deep" / "rows.jsonl"
    rows = [row_of(Example("a", "x"), prompt=""), row_of(Example("b", "y"), prompt="")]
    write_rows(path, rows[:1])
    write_rows(path, rows)
    assert read_rows(path).rows == tuple(rows)
    assert [file.name for file in path.parent.iterdir()] == ["rows.jsonl"]


def test_a_file_that_cannot_be_written_is_one_line(tmp_path):
    """A path that is a folder must be refused, and no draft left behind."""
    (tmp_path / "rows").mkdir()
    with pytest.raises(DatasetError, match="cannot write"):
        write_rows(tmp_path / "rows", [])
    assert [file.name for file in tmp_path.iterdir()] == ["rows"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Hello  World", "hello world\n", True),
        ("\ufb01ne", "fine", True),
        ("hello", "hello!", False),
    ],
)
def test_content_keys_ignore_what_readers_ignore(one, other, same):
    """Case, blanks and Unicode forms must not make a new input; words and signs must."""
    assert (content_key(one) == content_key(other)) is same


def test_the_input_is_the_last_user_message():
    """A student sees the last user message, so rows must be known by it."""
    row = Row((Message("user", "a"), Message("assistant", "x"), Message("user", "b"), Message("assistant", "y")))
    assert input_of(row) == "b"
    assert input_of(Row((Message("assistant", "x"),))) is None


def test_the_hash_of_a_data_set_ignores_order_only():
    """The same examples in another order are the same data set; another answer is another one."""
    one, two = Example("a", "x"), Example("b", "y")
    assert dataset_sha256([one, two]) == dataset_sha256([two, one])
    assert dataset_sha256([one, two]) != dataset_sha256([one, Example("b", "z")])
