from __future__ import annotations

import json

import pytest

from cli.dataset import read_texts
from domain.errors import DatasetError


def test_generate_asks_once_and_stats_tell(run, installation):
    """A second run must ask nothing again, and `stats` must account for every row."""
    inputs, out = installation.root / "inputs.txt", installation.root / "examples.jsonl"
    inputs.write_text("\n".join(row.text for row in installation.rows[:120]))
    common = ["-c", installation.config, "--out", out, "--json"]
    first = json.loads(run("dataset", "generate", inputs, *common)[1])
    again = json.loads(run("dataset", "generate", inputs, *common)[1])
    assert (first["answered"], first["reused"]) == (120, 0)
    assert (again["answered"], again["reused"], again["cost_usd"]) == (0, 120, 0.0)
    report = json.loads(run("dataset", "stats", out, "-c", installation.config, "--json")[1])["report"]
    assert report["rows"] == report["kept"] + sum(report["dropped"].values()) == 120


def test_a_money_cap_stops_in_time(run, installation):
    """Not more than --max-usd may be spent, to a billionth of a dollar: sums of floats are not exact."""
    inputs, out = installation.root / "inputs.txt", installation.root / "examples.jsonl"
    inputs.write_text("\n".join(row.text for row in installation.rows[:120]))
    arguments = ["-c", installation.config, "--out", out, "--max-usd", "0.002", "--json"]
    report = json.loads(run("dataset", "generate", inputs, *arguments)[1])
    assert 0 < report["cost_usd"] <= 0.002 + 1e-9
    assert report["left"] > 0


def test_import_of_an_empty_store(run, installation):
    """Without pairs there is nothing to write, and that is no error."""
    code, out, _ = run("dataset", "import", "--out", installation.root / "pairs.jsonl", "-c", installation.config)
    assert code == 0
    assert out.startswith("0 examples")


@pytest.mark.parametrize(
    ("name", "body", "texts"),
    [
        ("a.txt", "one\n\n two \n", ["one", " two "]),
        ("a.csv", "text,label\none,x\n,y\n", ["one"]),
        ("a.csv", '\ufefftext\n"one, two"\n', ["one, two"]),
    ],
)
def test_inputs_are_read(tmp_path, name, body, texts):
    """Lines of a text file, or the text column of a CSV file, blank ones left out."""
    (tmp_path / name).write_text(body, encoding="utf-8")
    assert read_texts(tmp_path / name) == texts


@pytest.mark.parametrize(
    ("name", "body", "problem"), [("a.csv", b"label\nx\n", "column 'text'"), ("a.txt", b"\xff", "UTF-8")]
)
def test_inputs_that_cannot_be_read(tmp_path, name, body, problem):
    """The error must name file and reason."""
    (tmp_path / name).write_bytes(body)
    with pytest.raises(DatasetError, match=problem):
        read_texts(tmp_path / name)
