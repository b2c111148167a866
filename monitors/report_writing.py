"""Turns what was read into one HTML file: the conclusion first, then Evidently's part with our metrics and their tests.

Imported only by the process that makes a report: Evidently takes seconds to load.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domain.records import Deployment, Pair, Stratum
from monitors.agreement import disagreement_bounds, estimate
from monitors.report_page import summary, with_summary

if TYPE_CHECKING:
    from evidently.core.report import Snapshot

    from monitors.report_material import Material

_POINTS = 200  # of a curve
_WINDOW = 100  # pairs in a point of the agreement curve
_LEAST = 20  # pairs in the first point


def write(material: Material, out: Path, *, workspace: Path | None = None) -> None:
    """Compute the report, save it as one HTML file, and keep its numbers in an Evidently workspace.

    The file appears whole or not at all.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Evidently and its dependencies warn about each other
        snapshot = _computed(material)
        above = summary(
            material.title, attribution=material.attribution, mix=material.mix, time_zone=material.time_zone
        )
        html: str = snapshot.get_html_str(as_iframe=False)
        _put(out, with_summary(html, above, title=material.title))
        if workspace is not None:
            from monitors.workspace import keep

            keep(snapshot, workspace, task=material.task, name=out.stem)


def curves(material: Material) -> dict[str, dict[str, list[float]]]:
    """The evidence of each detector over time."""
    found: dict[str, dict[str, list[float]]] = {}
    for reading in material.readings:
        curve = found.setdefault(reading.detector, {"times": [], "evidences": []})
        curve["times"].append(reading.at)
        curve["evidences"].append(reading.evidence)
    return found


def agreement_curve(pairs: Sequence[Pair]) -> dict[str, list[float]]:
    """The estimate over the last pairs of the student that answered, along the way."""
    curve: dict[str, list[float]] = {"times": [], "estimates": [], "lowers": [], "uppers": []}
    least = max(1, min(_LEAST, len(pairs)))
    for end in range(least, len(pairs) + 1, max(1, len(pairs) // _POINTS)):
        newest = pairs[end - 1]
        window = [pair for pair in pairs[max(0, end - _WINDOW) : end] if pair.model == newest.model]
        found = estimate(window) if len(window) >= least else None
        if found is not None:
            row = (newest.opened_at, found.estimate, found.lower, found.upper)
            for key, value in zip(curve, row, strict=True):
                curve[key].append(value)
    return curve


def _computed(material: Material) -> Snapshot:
    from evidently import Report

    from monitors.evidently.agreement import StudentAgreement
    from monitors.evidently.cluster_shares import ClusterShares
    from monitors.evidently.datasets import Columns, described
    from monitors.evidently.evidence import DetectorEvidence
    from monitors.evidently.novelty import NoveltyPValue
    from monitors.evidently.slices import SliceAgreements

    columns, newest = Columns(), material.periods[-1]
    metrics: list[Any] = [DetectorEvidence(detector=name, **curve) for name, curve in curves(material).items()]
    if material.pairs:
        metrics.append(StudentAgreement(floor=_floor(newest.deployment), **agreement_curve(material.pairs)))
    if material.slices:
        metrics.append(SliceAgreements.of(material.slices))
    for number, period in enumerate(material.periods, 1):
        columns.add_numbers(f"novelty_{number}", period.novelty, period.reference.own_novelty.tolist())
        metrics.append(NoveltyPValue(column=f"novelty_{number}", model=period.deployment.model))
    if newest.clusters:
        own = newest.reference.cluster(newest.reference.vectors).tolist()
        columns.add_numbers("cluster", newest.clusters, own)
        metrics.append(ClusterShares(clusters=len(newest.reference.sizes)))
    metrics += described(columns, material.current, material.earlier)
    return Report(metrics, include_tests=True).run(*columns.datasets())


def _floor(deployment: Deployment) -> float:
    """The lower bound of agreement on the held-out rows of the ordinary stratum."""
    bounds = disagreement_bounds(deployment.baselines)
    return 1.0 - bounds.get(Stratum.ORDINARY, 1.0)


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)  # atomic: who reads sees the whole file
