from __future__ import annotations

import pytest

from cli.demo.dataset import read_csv, shuffled
from domain.errors import DatasetError


def write(path, header, rows):
    """A CSV file."""
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def rows(count, *, labels=6):
    """Texts with labels l0, l1, ... in turn."""
    return [f"text {number},l{number % labels}" for number in range(count)]


def test_without_domains_the_last_third_of_the_labels_is_new(tmp_path):
    """The labels must be split as the help says: sorted, the last third is new."""
    dataset = read_csv(write(tmp_path / "my data.csv", "text,label", rows(600)))
    assert {row.label for row in dataset.of(new=True)} == {"l4", "l5"}
    assert dataset.labels == ("l0", "l1", "l2", "l3", "l4", "l5")
    assert dataset.name == "my-data-intent"


def test_a_domain_column_is_taken(tmp_path):
    """The new domain must be the one that is named, or the last by name."""
    lines = [f"text {n},l{n % 4},{'bank' if n % 4 < 2 else 'travel'}" for n in range(800)]
    file = write(tmp_path / "a.csv", "text,label,domain", lines)
    assert {row.label for row in read_csv(file).of(new=True)} == {"l2", "l3"}
    assert {row.label for row in read_csv(file, new_domain="bank").of(new=False)} == {"l2", "l3"}
    with pytest.raises(DatasetError, match="no domain 'sea'; the file has bank, travel"):
        read_csv(file, new_domain="sea")


def test_texts_that_come_twice_count_once(tmp_path):
    """A text in examples and in traffic would make the student look better than it is."""
    dataset = read_csv(write(tmp_path / "a.csv", "text,label", rows(600) + rows(600)))
    assert len(dataset.rows) == 600


def test_other_names_of_columns(tmp_path):
    """Public data sets call the columns otherwise."""
    assert read_csv(write(tmp_path / "a.csv", "utterance,intent", rows(600))).rows[0].text == "text 0"
    assert read_csv(write(tmp_path / "b.csv", "text,category", rows(600))).rows[0].label == "l0"


@pytest.mark.parametrize(
    ("header", "lines", "problem"),
    [
        ("text,label", rows(100), "at least 300 texts"),
        ("text,label", [f"text {n},same" for n in range(600)], "labels"),
        ("words,label", rows(600), "a.csv:1: the header needs a column 'text'"),
        ("text,kind", rows(600), "a.csv:1: the header needs a column 'label'"),
        ("text,label", [*rows(600), "no label,"], "a.csv:602: text, label and domain must not be empty"),
        ("text,label", ['"never closed,x', *rows(600)], "not CSV"),
    ],
)
def test_files_that_cannot_be_used(tmp_path, header, lines, problem):
    """The error must name the file, the line where there is one, and what is wrong."""
    with pytest.raises(DatasetError, match=problem):
        read_csv(write(tmp_path / "a.csv", header, lines))


def test_a_file_that_is_not_text(tmp_path):
    """Bytes that are not UTF-8 must be refused with their position."""
    (tmp_path / "a.csv").write_bytes(b"text,label\n\xff,x\n")
    with pytest.raises(DatasetError, match="byte 11"):
        read_csv(tmp_path / "a.csv")


def test_shuffling_depends_on_the_seed_only():
    """Two runs with one seed must see the same rows in the same order."""
    assert shuffled(list(range(50)), seed=1) == shuffled(list(range(50)), seed=1) != shuffled(list(range(50)), seed=2)
