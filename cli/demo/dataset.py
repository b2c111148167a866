"""Labelled texts for the demo: a known domain, and a new one that traffic will drift to."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import msgspec

from domain.errors import DatasetError

TEXT = ("text", "utterance", "query")
LABEL = ("label", "category", "intent")
DOMAIN = ("domain",)
LEAST_KNOWN = 300  # 200 examples and 100 requests are the least that says anything


class Row(msgspec.Struct, frozen=True):
    """A text, what it means, and where it comes from."""

    text: str
    label: str
    domain: str


class Dataset(msgspec.Struct, frozen=True):
    """All rows, and which domain counts as new."""

    name: str
    source: str
    rows: tuple[Row, ...]
    new: str

    @property
    def labels(self) -> tuple[str, ...]:
        """The whole taxonomy, sorted: what the teacher may answer."""
        return tuple(sorted({row.label for row in self.rows}))

    def of(self, *, new: bool) -> list[Row]:
        """The rows of the new domain, or of all others."""
        return [row for row in self.rows if (row.domain == self.new) == new]


def read_csv(path: Path, *, new_domain: str = "") -> Dataset:
    """The data set in a CSV file with a header: text, label and, if there is one, domain.

    Without a domain column the last third of the labels, sorted, is the new domain.

    Raises:
        DatasetError: the file, its header or a row cannot be used, or there is too little of it.
    """
    rows = _with_domains(_read(path))
    domains = sorted({row.domain for row in rows})
    new = new_domain or ("new" if "new" in domains else domains[-1])
    if new not in domains:
        raise DatasetError(f"{path}: no domain {new!r}; the file has {', '.join(domains)}")
    dataset = Dataset(name=_task_name(path), source=str(path), rows=tuple(rows), new=new)
    known, fresh = dataset.of(new=False), dataset.of(new=True)
    if len(known) < LEAST_KNOWN or len({row.label for row in known}) < 2:
        raise DatasetError(
            f"{path}: the known domains have {len(known)} different texts with {len({row.label for row in known})} "
            f"labels; at least {LEAST_KNOWN} texts and 2 labels are needed"
        )
    if not fresh:
        raise DatasetError(f"{path}: the new domain {new!r} has no rows")
    return dataset


def shuffled(rows: list[Row], *, seed: int) -> list[Row]:
    """The rows in a random order that depends on nothing but `seed`."""
    return random.Random(seed).sample(rows, len(rows))


def _read(path: Path) -> list[Row]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is not UTF-8 text (byte {error.start}); convert it first") from None
    reader = csv.DictReader(text.splitlines(keepends=True), strict=True)
    try:
        header = list(reader.fieldnames or ())
        text_key, label_key = (_column(path, header, names) for names in (TEXT, LABEL))
        domain_key = next((name for name in DOMAIN if name in header), "")
        rows: dict[str, Row] = {}
        for entry in reader:
            row = Row(*((entry.get(key) or "").strip() for key in (text_key, label_key, domain_key)))
            if not row.text or not row.label or (domain_key and not row.domain):
                raise DatasetError(f"{path}:{reader.line_num}: text, label and domain must not be empty")
            rows.setdefault(row.text, row)
    except csv.Error as error:
        raise DatasetError(f"{path}:{reader.line_num}: not CSV: {error}") from None
    return list(rows.values())


def _column(path: Path, header: list[str], names: tuple[str, ...]) -> str:
    for name in names:
        if name in header:
            return name
    found = ", ".join(header) or "nothing"
    raise DatasetError(f"{path}:1: the header needs a column {names[0]!r} (or {', '.join(names[1:])}); it has {found}")


def _with_domains(rows: list[Row]) -> list[Row]:
    if any(row.domain for row in rows):
        return rows
    labels = sorted({row.label for row in rows})
    new = set(labels[len(labels) - len(labels) // 3 :])
    return [Row(row.text, row.label, "new" if row.label in new else "known") for row in rows]


def _task_name(path: Path) -> str:
    name = "".join(letter if letter.isalnum() else "-" for letter in path.stem.lower()).strip("-")
    return f"{name or 'dataset'}-intent"
