from __future__ import annotations

import json

import pytest

from domain.errors import DatasetError
from domain.records import Arm
from monitors.prompts import exchange_of, read_prompts


def write(tmp_path, *lines: str):
    """A file of these lines."""
    path = tmp_path / "canaries.jsonl"
    path.write_text("\n".join(lines))
    return path


def test_a_row_is_a_request_or_an_input(tmp_path):
    """An input gets the task's system prompt; other fields are asked as they stand."""
    messages = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "yes?"},
        {"role": "user", "content": "go"},
    ]
    path = write(
        tmp_path,
        json.dumps({"messages": messages, "temperature": 0}),
        "",
        '{"input": "where is my order?", "seed": 7}',
    )
    full, short = read_prompts(path, system="Answer with a label.")
    assert json.loads(full.request) == {"messages": messages, "temperature": 0}
    assert json.loads(short.request) == {
        "messages": [
            {"role": "system", "content": "Answer with a label."},
            {"role": "user", "content": "where is my order?"},
        ],
        "seed": 7,
    }
    assert (full.text, short.text) == ("go", "where is my order?")
    (plain,) = read_prompts(write(tmp_path, '{"input": "x"}'))
    assert json.loads(plain.request) == {"messages": [{"role": "user", "content": "x"}]}


def test_the_same_prompt_counts_once(tmp_path):
    """Whatever the order of its keys; only so many are taken, in the order of the file."""
    rows = ['{"input": "a", "seed": 1}', '{"seed": 1, "input": "a"}', '{"input": "b"}', '{"input": "c"}']
    assert [prompt.text for prompt in read_prompts(write(tmp_path, *rows))] == ["a", "b", "c"]
    assert [prompt.text for prompt in read_prompts(write(tmp_path, *rows), most=2)] == ["a", "b"]
    keys = {prompt.key for prompt in read_prompts(write(tmp_path, *rows))}
    assert keys == {prompt.key for prompt in read_prompts(write(tmp_path, *reversed(rows)))}


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ([], "there is no prompt in it"),
        (["", " "], "there is no prompt in it"),
        (['{"input": "a"}', "nonsense"], "canaries.jsonl:2: no prompt"),
        (["[]"], ":1: no prompt"),
        (["{}"], ":1: no prompt"),
        (['{"messages": []}'], ":1: no prompt"),
        (['{"messages": [{"role": "system", "content": "x"}]}'], ":1: no prompt"),
        (['{"messages": [{"content": "x"}]}'], ":1: no prompt"),
        (['{"input":' + "[" * 3000], ":1: no prompt"),
    ],
)
def test_what_is_no_prompt_is_named_by_its_line(tmp_path, lines, problem):
    """One line says where, and what to write."""
    with pytest.raises(DatasetError) as caught:
        read_prompts(write(tmp_path, *lines))
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    """The error says which file, and what it should hold."""
    with pytest.raises(DatasetError, match=r"none\.jsonl: No such file.*canary prompts"):
        read_prompts(tmp_path / "none.jsonl")


def test_content_of_parts_is_asked_too(tmp_path):
    """It has no text to show; the request is the same."""
    (prompt,) = read_prompts(write(tmp_path, '{"input": [{"type": "text", "text": "x"}]}'))
    assert prompt.text == ""
    asked = exchange_of(prompt, "intent")
    assert (asked.id, asked.request, asked.endpoint) == (prompt.key, prompt.request, "/chat/completions")
    assert (asked.arm, asked.usable) == (Arm.NONE, False)
