"""Writes a task's report: `python -m monitors.report --config FILE --task T --out FILE.html [--day D | --signal ID]`.

A process of its own, because Evidently brings 3,000 modules and 300 MiB; started through `monitors.report_process`.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from adapters.stores.sqlite import from_url
from domain import config
from domain.clock import SystemClock
from domain.errors import PreceptorError
from monitors.report_material import Material, NothingToReportError, Wanted, gather

NOTHING = 3  # exit code: there is nothing to report yet


def main(arguments: list[str]) -> int:
    """Write the report; 3 when there is nothing to report, 2 when it cannot be made."""
    parser = argparse.ArgumentParser(prog="report", description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--task", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--workspace", type=Path, help="an Evidently workspace that keeps the numbers")
    parser.add_argument("--after", type=float, default=0.0, help="only what came since then, in seconds since 1970")
    about = parser.add_mutually_exclusive_group()
    about.add_argument("--day", default="", help="of that day in the task's time zone")
    about.add_argument("--signal", default="", help="of the inputs up to this signal")
    options = parser.parse_args(arguments)
    wanted = Wanted(options.task, after=options.after, day=options.day, signal_id=options.signal)
    try:
        material = asyncio.run(_read(options.config, wanted))
        _write(material, options.out, options.workspace)
    except NothingToReportError as error:
        sys.stderr.write(f"{error}\n")
        return NOTHING
    except (PreceptorError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


async def _read(path: Path, wanted: Wanted) -> Material:
    settings = config.load(path)
    store = from_url(settings.store.url, Path(settings.root))
    await store.start()
    try:
        return await gather(store, settings, wanted, now=SystemClock().now_s())
    finally:
        await store.aclose()


def _write(material: Material, out: Path, workspace: Path | None) -> None:
    from monitors.report_writing import write  # it imports Evidently, which takes seconds

    write(material, out, workspace=workspace)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
