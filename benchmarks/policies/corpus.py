"""The labelled public texts in the data folder."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any, NamedTuple


class Utterance(NamedTuple):
    """What was said, what it means, and the values of its slots."""

    text: str
    intent: str
    values: tuple[str, ...]


def banking77(data: Path, split: str = "test") -> list[tuple[str, str]]:
    """Customer questions with their intents."""
    return [(row["text"], row["category"]) for row in _rows(data / "banking77" / f"{split}.csv")]


def clinc150(data: Path, *parts: str) -> list[tuple[str, str]]:
    """Queries with their intents, of these parts; of the test when none is named."""
    document = json.loads((data / "clinc150" / "data_full.json").read_text(encoding="utf-8"))
    return [(text, intent) for part in parts or ("test",) for text, intent in document[part]]


def snips(data: Path, pattern: str = "validate_*.json", *, most: int | None = None) -> list[Utterance]:
    """The utterances of the files of this pattern, at most so many of each."""
    found = []
    for path in sorted((data / "snips").glob(pattern)):  # some of the files have bytes that are not UTF-8
        ((intent, rows),) = json.loads(path.read_text(encoding="utf-8", errors="replace")).items()
        for row in rows[:most]:
            values = tuple(piece["text"] for piece in row["data"] if "entity" in piece)
            found.append(Utterance("".join(piece["text"] for piece in row["data"]), intent, values))
    return found


def injections(data: Path) -> list[str]:
    """The prompts of CyberSecEval's injections."""
    return [row["user_input"] for row in injection_rows(data)]


def injection_rows(data: Path) -> list[dict[str, Any]]:
    """The same with all that is said of them."""
    rows: list[dict[str, Any]] = _json(data, "cyberseceval_prompt_injection.json")
    return rows


def payloads(data: Path) -> list[str]:
    """BIPIA's texts for tests, of all kinds."""
    return [text for kind in _json(data, "bipia_text_attack_test.json").values() for text in kind]


def xstest(data: Path, label: str) -> list[str]:
    """XSTest's prompts that are `safe` or `unsafe`."""
    return [row["prompt"] for row in _rows(data / "safety" / "xstest_prompts.csv") if row["label"] == label]


def personal(data: Path) -> list[dict[str, Any]]:
    """Synthetic texts with personal data: `full_text` and `spans`."""
    rows: list[dict[str, Any]] = _json(data, "presidio_synth_v2.json")
    return rows


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _json(data: Path, name: str) -> Any:
    return json.loads((data / "safety" / name).read_text(encoding="utf-8"))
