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
                "case": case,
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

    def show(self) -> None:
        """Print the table."""
        widths = {key: max((len(line[key]) for line in self._lines), default=0) for key in ("case", "metric")}
        for line in self._lines:
            verdict = {None: "", True: "met", False: "NOT MET"}[line["met"]]
            measured = f"{line['value']:>10.4g} {line['unit']:<9} {line['target']:<9}"
            print(f"{line['case']:<{widths['case']}} {line['metric']:<{widths['metric']}} {measured} {verdict}")
