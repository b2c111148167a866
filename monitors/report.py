"""Writes a task's Evidently report: `python -m monitors.report --config FILE --task T --out FILE.html [--after S]`.

A process of its own, because Evidently brings 3,000 modules and 300 MiB; started through `monitors.report_process`.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from adapters.stores.sqlite import from_url
from domain import config
from domain.errors import PreceptorError
from domain.records import Deployment, Pair, PairState, Reading
from domain.store import WatchedExchange
from monitors.agreement import disagreement_bounds, estimate
from monitors.reference import Reference

if TYPE_CHECKING:
    from domain.settings import Settings

_MOST = 5000
_POINTS = 200  # of a curve
_WINDOW = 100  # pairs in a point of the agreement curve


class Material(msgspec.Struct, frozen=True):
    """What a report shows."""

    deployment: Deployment
    reference: Reference
    exchanges: Sequence[WatchedExchange]
    pairs: Sequence[Pair]
    readings: Sequence[Reading]


async def gather(settings: Settings, task: str, *, after: float) -> Material:
    """Read the store.

    Raises:
        PreceptorError: there is no deployment with a reference, or no watched exchange yet.
    """
    store = from_url(settings.store.url, Path(settings.root))
    await store.start()
    try:
        history = await store.deployments(task)
        deployment = next((d for d in history if d.at >= after and d.reference_id), history[-1] if history else None)
        if deployment is None or not deployment.reference_id:
            raise PreceptorError(f"task {task} has no deployment with a reference yet: preceptor promote makes one")
        rows = await store.exchanges(task, after=after, limit=_MOST)
        watched = [row for row in rows if row.novelty is not None]
        if not watched:
            raise PreceptorError(f"task {task} has no watched exchanges yet: send traffic, and check the monitors")
        return Material(
            deployment,
            Reference.from_bytes(await store.blob(deployment.reference_id) or b""),
            watched,
            [pair for pair in await store.pairs(task, after=after, limit=_MOST) if pair.state is PairState.PAIRED],
            await store.readings(task, after=after),
        )
    finally:
        await store.aclose()


def write(material: Material, out: Path) -> None:
    """Compute the report and save it as one HTML file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Evidently and its dependencies warn about each other
        import pandas as pd
        from evidently import DataDefinition, Dataset, Report

        from monitors.evidently_metrics import DetectorEvidence, NoveltyPValue, StudentAgreement

        definition = DataDefinition(numerical_columns=["novelty"])
        current = Dataset.from_pandas(pd.DataFrame({"novelty": [r.novelty for r in material.exchanges]}), definition)
        reference = Dataset.from_pandas(pd.DataFrame({"novelty": material.reference.own_novelty}), definition)
        metrics: list[Any] = [NoveltyPValue()]
        metrics += [DetectorEvidence(detector=name, **curve) for name, curve in _evidence(material).items()]
        if material.pairs:
            metrics.append(StudentAgreement(floor=_floor(material.deployment), **_agreement(material.pairs)))
        snapshot = Report(metrics, include_tests=True).run(current, reference)
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
    curve: dict[str, list[float]] = {"times": [], "estimates": [], "lowers": [], "uppers": []}
    first = min(20, len(pairs))
    for end in range(first, len(pairs) + 1, max(1, len(pairs) // _POINTS)):
        found = estimate(pairs[max(0, end - _WINDOW) : end])
        assert found is not None
        for key, value in zip(curve, (pairs[end - 1].opened_at, found.estimate, found.lower, found.upper), strict=True):
            curve[key].append(value)
    return curve


def _floor(deployment: Deployment) -> float:
    """The lower bound of agreement on the held-out rows of the ordinary stratum."""
    bounds = disagreement_bounds(deployment.baselines)
    return 1.0 - bounds.get("ordinary", 1.0)


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
