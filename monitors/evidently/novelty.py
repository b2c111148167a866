"""Novelty of inputs as an Evidently metric.

Evidently's embedding drift has no test and computes a t-SNE at every call, so novelty is judged here.
"""

# (Evidently is not followed by mypy: its 353 modules import each other.)

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
from evidently.core.metric_types import SingleValue, SingleValueCalculation, SingleValueMetric
from evidently.core.report import Context
from evidently.tests import gt
from scipy.stats import mannwhitneyu

from monitors.evidently.drawing import drawn


class NoveltyPValue(SingleValueMetric):
    """One-sided Mann-Whitney test: is current novelty larger than the reference's own (leave-one-out)?

    A look at one window.  Repeated looks would alarm too often: alarms come from the sequential detectors.
    """

    column: str = "novelty"
    model: str = ""
    alpha: float = 0.01

    def _default_tests_with_reference(self, context: Context) -> list[Any]:
        return [gt(self.alpha).bind_single(self.get_fingerprint())]


class NoveltyPValueCalculation(SingleValueCalculation[NoveltyPValue]):
    """Computes `NoveltyPValue` and draws both distributions."""

    def calculate(self, context: Context, current_data: Any, reference_data: Any) -> SingleValue:
        """See Evidently."""
        current = current_data.as_dataframe()[self.metric.column].dropna().to_numpy(float)
        reference = reference_data.as_dataframe()[self.metric.column].dropna().to_numpy(float)
        p = float(mannwhitneyu(current, reference, alternative="greater").pvalue) if len(current) else 1.0
        figure = go.Figure()
        for name, values in (("reference", reference), ("current", current)):
            figure.add_histogram(x=values, name=name, histnorm="probability", opacity=0.6, nbinsx=50)
        figure.update_layout(barmode="overlay", xaxis_title="cosine distance to the 5 nearest reference inputs")
        return drawn(self, p, "p-value of novelty", f"{p:.2g}", figure)

    def display_name(self) -> str:
        """See Evidently."""
        return " ".join(["Novelty of inputs", *(["while", self.metric.model, "served"] if self.metric.model else [])])
