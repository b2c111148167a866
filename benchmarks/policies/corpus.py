"""The labelled public texts in the data folder."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any


def banking77(data: Path, split: str = "test") -> list[tuple[str, str]]:
    """Customer questions with their intents."""
    with (data / "banking77" / f"{split}.csv").open(encoding="utf-8", newline="") as file:
        return [(row["text"], row["category"]) for row in csv.DictReader(file)]


def clinc150(data: Path, split: str = "test") -> list[tuple[str, str]]:
    """Queries with their intents."""
    document = json.loads((data / "clinc150" / "data_full.json").read_text(encoding="utf-8"))
    return [(text, intent) for text, intent in document[split]]


def snips(data: Path) -> list[tuple[str, str]]:
    """The utterances for validation with their intents."""
    return [
        ("".join(part["text"] for part in row["data"]), intent)
        for path in sorted((data / "snips").glob("validate_*.json"))
        for intent, rows in json.loads(path.read_text(encoding="utf-8")).items()
        for row in rows
    ]


def injections(data: Path) -> list[str]:
    """The prompts of CyberSecEval's injections."""
    return [row["user_input"] for row in _json(data, "cyberseceval_prompt_injection.json")]


def payloads(data: Path) -> list[str]:
    """BIPIA's texts for tests, of all kinds."""
    return [text for kind in _json(data, "bipia_text_attack_test.json").values() for text in kind]


def personal(data: Path) -> list[str]:
    """Synthetic texts with personal data."""
    return [row["full_text"] for row in _json(data, "presidio_synth_v2.json")]


def _json(data: Path, name: str) -> Any:
    return json.loads((data / "safety" / name).read_text(encoding="utf-8"))
