"""One JSON object a line, and the table of it."""

from __future__ import annotations

import datetime as dt
import json
import operator
import platform
import re
from importlib import metadata
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "results"
_COMPARE = {"<=": operator.le, ">=": operator.ge, "==": operator.eq}
_PACKAGES = ("openai", "sentence-transformers", "torch", "numpy", "scikit-learn", "evidently", "onnxruntime")


class Results:
    """Collects the lines of one benchmark; `met` is computed from the target, never typed in."""

    def __init__(self, bench: str, *, versions: dict[str, str] | None = None) -> None:
        """`versions` is what the figures depend on; None: the packages of the monitors and of training."""
        self._bench = bench
        self.versions = {p: metadata.version(p) for p in _PACKAGES} if versions is None else versions
        self._lines: list[dict[str, Any]] = []
        self._part = ""

    def begin(self, part: str) -> None:
        """What is added from now on belongs to a part: its cases begin with its name."""
        self._part = f"{part}: "

    def add(
        self, case: str, metric: str, value: float, unit: str, *, target: str = "", n: int = 1, seed: int = 0
    ) -> None:
        """One measured value; `target` is a comparison such as "<= 120"."""
        met = None
        if match := re.fullmatch(r"(<=|>=|==) (\S+)", target):
            met = bool(_COMPARE[match[1]](value, float(match[2])))
        self._lines.append(
            {
                "bench": self._bench,
                "case": self._part + case,
                "metric": metric,
                "value": value,
                "unit": unit,
                "target": target,
                "met": met,
                "n": n,
                "seed": seed,
                "versions": {"python": platform.python_version()} | self.versions,
                "date": dt.datetime.now(dt.UTC).date().isoformat(),
            }
        )

    def write(self) -> None:
        """Replace the results file and print the table."""
        FOLDER.mkdir(exist_ok=True)
        body = "".join(json.dumps(line) + "\n" for line in self._lines)
        (FOLDER / f"{self._bench}.jsonl").write_text(body)
        self.show()

    def write_parts(self) -> None:
        """Replace the lines of the parts that were measured; those of others stay as they were measured."""
        file = FOLDER / f"{self._bench}.jsonl"
        old = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        measured = {_part_of(line) for line in self._lines}
        kept = [line for line in old if _part_of(line) not in measured]
        file.write_text("".join(json.dumps(line) + "\n" for line in [*kept, *self._lines]))
        self.show()

    def show(self) -> None:
        """Print the table."""
        widths = {key: max((len(line[key]) for line in self._lines), default=0) for key in ("case", "metric")}
        for line in self._lines:
            verdict = {None: "", True: "met", False: "NOT MET"}[line["met"]]
            measured = f"{line['value']:>10.4g} {line['unit']:<9} {line['target']:<9}"
            print(f"{line['case']:<{widths['case']}} {line['metric']:<{widths['metric']}} {measured} {verdict}")


def _part_of(line: dict[str, Any]) -> str:
    return str(line["case"]).partition(": ")[0]
