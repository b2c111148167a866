"""What the policies catch, block wrongly and cost: `make bench NAME=policies [DATA=DIR] [QUICK=1]`.

DIR has the labelled public texts (`docs/policies.md` names them); without it only costs and what can be generated are
measured.  `--only PART` measures one part and writes nothing.
"""

from __future__ import annotations

import argparse
import sys
from importlib import metadata
from pathlib import Path

from benchmarks.policies import (
    domain,
    engine,
    injection,
    leakage,
    parity,
    plugins,
    recorded,
    streams,
    structure,
    traffic,
)
from benchmarks.results import Results

PARTS = {
    "engine": engine.measure,
    "traffic": traffic.measure,
    "streams": streams.measure,
    "recorded": recorded.measure,
    "structure": structure.measure,
    "leakage": leakage.measure,
    "injection": injection.measure,
    "domain": domain.measure,
    "plugins": plugins.measure,
    "parity": parity.measure,
}
_PACKAGES = ("google-re2", "msgspec", "phonenumbers", "jsonschema-rs")


def main() -> int:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(prog="benchmarks.policies", description=__doc__)
    parser.add_argument("--data", type=Path, help="the folder with the labelled texts")
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    parser.add_argument("--only", choices=sorted(PARTS), help="one part")
    options = parser.parse_args()
    results = Results("policies", versions={name: metadata.version(name) for name in _PACKAGES})
    for name, measure in PARTS.items():
        if options.only in (None, name):
            measure(results, options.data, quick=options.quick)
    if options.only is None:
        results.write()
    else:
        results.show()
    return 0


if __name__ == "__main__":
    sys.exit(main())
