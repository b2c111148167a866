"""The openai SDK's own tests against a gateway: `make bench NAME=compat [DATA=DIR] [QUICK=1]`.

DIR is a checkout of openai-python; without it the source distribution of the installed version is downloaded.  The
same tests run against the replay upstream itself, as a control: what fails there says nothing of the gateway.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from benchmarks.compat import upstream, worker
from benchmarks.compat.report import report
from benchmarks.compat.suite import Suite, download
from benchmarks.results import Results


def main() -> int:
    """Measure and write the results; 2 when the tests could not be run."""
    parser = argparse.ArgumentParser(prog="benchmarks.compat", description=__doc__)
    parser.add_argument("--sdk", "--data", type=Path, help="a checkout of openai-python, of the installed version")
    parser.add_argument("--quick", action="store_true", help="only the tests with a strict client")
    options = parser.parse_args()
    results = Results("compat", versions={"openai": metadata.version("openai")})
    with tempfile.TemporaryDirectory() as name, upstream.serving() as models:
        folder = Path(name)
        try:
            suite = Suite((options.sdk or download(folder)).resolve())
            with worker.serving(suite.models, models, folder) as gateway:
                tests = suite.run(gateway, only="strict" if options.quick else "")
                read = suite.read(gateway, upstream=models)
            control = suite.run(models, only="create and strict" if options.quick else "create")
        except (RuntimeError, OSError) as error:
            sys.stderr.write(f"benchmarks.compat: {error}\n")
            return 2
    report(results, tests, read=read, control=control)
    results.write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
