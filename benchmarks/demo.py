"""The main job on public data: Banking77 (50 intents, then the 27 others) and CLINC150 (banking, then travel).

`--data DIR` holds banking77/train.csv (text,category) and clinc150/data_full.json.  Each data set runs with several
seeds, and once as the control run.  The teacher is the demo's oracle: gold labels with 2 % errors.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.results import Results

KNOWN_INTENTS = 50  # of Banking77's 77, in alphabetical order
BANKING = [
    "account_blocked",
    "balance",
    "bill_balance",
    "bill_due",
    "freeze_account",
    "interest_rate",
    "min_payment",
    "order_checks",
    "pay_bill",
    "pin_change",
    "report_fraud",
    "routing",
    "spending_history",
    "transactions",
    "transfer",
]
TRAVEL = [
    "book_flight",
    "book_hotel",
    "car_rental",
    "carry_on",
    "exchange_rate",
    "flight_status",
    "international_visa",
    "lost_luggage",
    "plug_type",
    "timezone",
    "translate",
    "travel_alert",
    "travel_notification",
    "travel_suggestion",
    "vaccines",
]


def banking77(folder: Path) -> list[tuple[str, str, str]]:
    """Rows of text, label, domain."""
    with (folder / "banking77/train.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["text"], row["category"]) for row in csv.DictReader(file)]
    known = set(sorted({label for _, label in rows})[:KNOWN_INTENTS])
    return [(text, label, "known" if label in known else "new") for text, label in rows]


def clinc150(folder: Path) -> list[tuple[str, str, str]]:
    """Rows of text, label, domain."""
    parts = json.loads((folder / "clinc150/data_full.json").read_text(encoding="utf-8"))
    domains = dict.fromkeys(BANKING, "banking") | dict.fromkeys(TRAVEL, "travel")
    rows = [row for part in ("train", "val", "test") for row in parts[part]]
    return [(text, label, domains[label]) for text, label in rows if label in domains]


def run(arguments: list[str]) -> tuple[int, dict[str, Any], float]:
    """Exit code, phases by name, seconds."""
    started = time.monotonic()
    command = [sys.executable, "-m", "cli", "demo", "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode > 1:
        sys.exit(done.stderr)
    phases = {phase["phase"]: phase for phase in map(json.loads, done.stdout.splitlines())}
    return done.returncode, phases, time.monotonic() - started


def measure(results: Results, case: str, arguments: list[str], seeds: range, scratch: Path) -> None:
    """All runs of one data set."""
    found = []
    for seed in seeds:
        code, phases, seconds = run([*arguments, "--seed", str(seed), "--out", str(scratch / f"{case}-{seed}")])
        print(f"{case} seed {seed}: exit code {code}, {seconds:.0f} s", file=sys.stderr)
        found.append(phases | {"code": code, "seconds": seconds})
    results.add(
        case,
        "runs with exit code 0",
        sum(f["code"] == 0 for f in found) / len(found),
        "share",
        target=">= 1",
        n=len(found),
    )
    results.add(case, "longest run", max(f["seconds"] for f in found), "s", target="<= 120", n=len(found))
    for phase in ("before", "drift", "after"):
        values = [f[phase]["agreement"] for f in found if phase in f]
        if values:
            results.add(case, f"agreement {phase}", statistics.median(values), "share", n=len(values))
    for kind, metric in (("warning", "drift warning after"), ("retrain", "retraining signal after")):
        delays = [_delay(f["drift"], kind) for f in found]
        if seen := [delay for delay in delays if delay is not None]:
            results.add(case, metric, statistics.median(seen), "requests", n=len(seen))
    code, _, _ = run([*arguments, "--shift", "0", "--out", str(scratch / f"{case}-control")])
    results.add(case, "control run silent", float(code == 0), "share", target=">= 1")


def _delay(phase: dict[str, Any], kind: str) -> int | None:
    return next((alarm["requests"] for alarm in phase["alarms"] if alarm["kind"] == kind), None)


def main() -> int:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(prog="benchmarks.demo", description=__doc__)
    parser.add_argument(
        "--data", type=Path, help="folder with banking77 and clinc150; without it only the grammar runs"
    )
    parser.add_argument("--quick", action="store_true", help="one seed instead of five")
    options = parser.parse_args()
    results, seeds = Results("demo"), range(1) if options.quick else range(5)
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        measure(results, "grammar", [], seeds, scratch)
        for case, rows in (("banking77 50->27", banking77), ("clinc150 banking->travel", clinc150)):
            if options.data:
                file = scratch / f"{case.split()[0]}.csv"
                with file.open("w", encoding="utf-8", newline="") as target:
                    csv.writer(target).writerows([("text", "label", "domain"), *rows(options.data)])
                new = "new" if case.startswith("banking77") else "travel"
                measure(results, case, ["--dataset", str(file), "--new-domain", new], seeds, scratch)
    results.write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
