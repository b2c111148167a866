"""The windowed detectors (`monitors.windowed`) on simulated traffic, and on real texts when there is a data folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.signals import budget, comparison, delays, real_texts

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.results import Results


def measure(results: Results, data: Path | None, *, quick: bool) -> None:
    """False alarms, delays, the harmless change of mix and the plain detectors; `data` holds banking77 and clinc150."""
    budget.measure(results, quick=quick)
    delays.measure(results, quick=quick)
    delays.measure_harmless(results, quick=quick)
    comparison.measure(results, quick=quick)
    if data is not None:
        real_texts.measure(results, data, quick=quick)
