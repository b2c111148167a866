"""Writes a task's Evidently report: `python -m monitors.report --config FILE --task T --out FILE.html [--after S]`.

A process of its own, because Evidently brings 3,000 modules and 300 MiB; started through `monitors.report_process`.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from adapters.stores.sqlite import from_url
from domain import config
from domain.errors import PreceptorError
from domain.records import Deployment, Pair, PairState, Reading, Stratum
from domain.store import WatchedExchange
from monitors.agreement import disagreement_bounds, estimate
from monitors.reference import Reference

if TYPE_CHECKING:
    from domain.settings import Settings
    from domain.store import Store

_MOST = 20_000  # rows that are read, the newest
_DEPLOYMENTS = 3  # that are compared, the newest
_POINTS = 200  # of a curve
_WINDOW = 100  # pairs in a point of the agreement curve
_LEAST = 20  # pairs in the first point


class Period(msgspec.Struct, frozen=True):
    """A deployment, the reference that its inputs were compared with, and their novelty."""

    deployment: Deployment
    reference: Reference
    novelty: Sequence[float]


class Material(msgspec.Struct, frozen=True):
    """What a report shows: the last deployments, and pairs and readings since the first of them."""

    periods: Sequence[Period]
    pairs: Sequence[Pair]
    readings: Sequence[Reading]


async def gather(settings: Settings, task: str, *, after: float) -> Material:
    """Read the store: the last three deployments, or what came at or after `after`.

    Raises:
        PreceptorError: there is no deployment with a reference, or no watched exchange yet.
    """
    store = from_url(settings.store.url, Path(settings.root))
    await store.start()
    try:
        served = spans(await store.deployments(task))[-_DEPLOYMENTS:]
        if not served:
            raise PreceptorError(f"task {task} has no deployment with a reference yet: preceptor promote makes one")
        start = after or served[0][0].at
        rows = await store.exchanges(task, after=start, limit=_MOST)
        periods = [await _period(store, deployment, rows, until) for deployment, until in served]
        if not any(period.novelty for period in periods):
            raise PreceptorError(f"task {task} has no watched exchanges yet: send traffic, and check the monitors")
        return Material(
            [period for period in periods if period.novelty],
            [pair for pair in await store.pairs(task, after=start, limit=_MOST) if pair.state is PairState.PAIRED],
            await store.readings(task, after=start),
        )
    finally:
        await store.aclose()


def spans(history: Sequence[Deployment]) -> list[tuple[Deployment, float]]:
    """Each deployment that has a reference, with the time at which the next one took over."""
    ends = [*(deployment.at for deployment in history[1:]), math.inf][: len(history)]
    return [(deployment, end) for deployment, end in zip(history, ends, strict=True) if deployment.reference_id]


async def _period(store: Store, deployment: Deployment, rows: Sequence[WatchedExchange], until: float) -> Period:
    reference = Reference.from_bytes(await store.blob(deployment.reference_id) or b"")
    novelty = [row.novelty for row in rows if row.novelty is not None and deployment.at <= row.exchange.at < until]
    return Period(deployment, reference, novelty)


def write(material: Material, out: Path) -> None:
    """Compute the report and save it as one HTML file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Evidently and its dependencies warn about each other
        import pandas as pd
        from evidently import DataDefinition, Dataset, Report

        from monitors.evidently_metrics import DetectorEvidence, NoveltyPValue, StudentAgreement

        columns = {f"novelty_{number}": period for number, period in enumerate(material.periods, 1)}
        definition = DataDefinition(numerical_columns=list(columns))
        metrics: list[Any] = [NoveltyPValue(column=name, model=p.deployment.model) for name, p in columns.items()]
        metrics += [DetectorEvidence(detector=name, **curve) for name, curve in _evidence(material).items()]
        if material.pairs:
            newest = material.periods[-1].deployment
            metrics.append(StudentAgreement(floor=_floor(newest), **_agreement(material.pairs)))
        current = pd.DataFrame({name: pd.Series(period.novelty) for name, period in columns.items()})
        own = pd.DataFrame({name: pd.Series(period.reference.own_novelty) for name, period in columns.items()})
        snapshot = Report(metrics, include_tests=True).run(
            Dataset.from_pandas(current, definition), Dataset.from_pandas(own, definition)
        )
        out.parent.mkdir(parents=True, exist_ok=True)
        snapshot.save_html(str(out))


def _evidence(material: Material) -> dict[str, dict[str, list[float]]]:
    curves: dict[str, dict[str, list[float]]] = {}
    for reading in material.readings:
        curve = curves.setdefault(reading.detector, {"times": [], "evidences": []})
        curve["times"].append(reading.at)
        curve["evidences"].append(reading.evidence)
    return curves


def _agreement(pairs: Sequence[Pair]) -> dict[str, list[float]]:
    """The estimate over the last pairs of the student that answered, along the way."""
    curve: dict[str, list[float]] = {"times": [], "estimates": [], "lowers": [], "uppers": []}
    least = min(_LEAST, len(pairs))
    for end in range(least, len(pairs) + 1, max(1, len(pairs) // _POINTS)):
        newest = pairs[end - 1]
        window = [pair for pair in pairs[max(0, end - _WINDOW) : end] if pair.model == newest.model]
        found = estimate(window) if len(window) >= least else None
        if found is not None:
            row = (newest.opened_at, found.estimate, found.lower, found.upper)
            for key, value in zip(curve, row, strict=True):
                curve[key].append(value)
    return curve


def _floor(deployment: Deployment) -> float:
    """The lower bound of agreement on the held-out rows of the ordinary stratum."""
    bounds = disagreement_bounds(deployment.baselines)
    return 1.0 - bounds.get(Stratum.ORDINARY, 1.0)


def main(arguments: list[str]) -> int:
    """Write the report; 2 when there is nothing to report."""
    parser = argparse.ArgumentParser(prog="report", description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--task", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--after", type=float, default=0.0)
    options = parser.parse_args(arguments)
    try:
        settings = config.load(options.config)
        write(asyncio.run(gather(settings, options.task, after=options.after)), options.out)
    except (PreceptorError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
