"""How often the monitors alarm for nothing, how soon they see what happens, and what they cost.

`make bench NAME=signals [DATA=DIR] [QUICK=1]`.  DIR has banking77, clinc150 and snips; without it what needs texts is
left out.  `--only PART` measures one part and replaces its lines only.  All parts take about an hour on one core, most
of it the simulated task-years of `windowed`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.results import Results
from benchmarks.signals import agreement, baselines, embedding, per_sample, texts, windowed, worker

PARTS = {
    "windowed": windowed.measure,
    "per-sample": per_sample.measure,
    "texts": texts.measure,
    "baselines": baselines.measure,
    "agreement": agreement.measure,
    "embedding": embedding.measure,
    "worker": worker.measure,
}


def main() -> int:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(prog="benchmarks.signals", description=__doc__)
    parser.add_argument("--data", type=Path, help="the folder with the labelled texts")
    parser.add_argument("--quick", action="store_true", help="fewer streams and repeats; writes nothing")
    parser.add_argument("--only", choices=sorted(PARTS), help="one part")
    options = parser.parse_args()
    results = Results("signals")
    for name, measure in PARTS.items():
        if options.only in (None, name):
            results.begin(name)
            measure(results, options.data, quick=options.quick)
    if options.quick:
        results.show()
    else:
        results.write_parts()
    return 0


if __name__ == "__main__":
    sys.exit(main())
