"""How our metrics look in a report: a number, then a figure or a table.

0.7 has no widgets of its own: those of `evidently.legacy.renderers.html_widgets` are the ones that its metrics use.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from evidently.core.metric_types import SingleValue, SingleValueCalculation
from evidently.legacy.renderers.html_widgets import CounterData, WidgetSize, counter, plotly_figure, table_data


def times(seconds: Sequence[float]) -> Any:
    """Seconds since the epoch as an axis of times, UTC."""
    return (np.asarray(seconds, float) * 1000).astype("datetime64[ms]")


def drawn(
    calculation: SingleValueCalculation[Any], value: float, label: str, text: str, figure: go.Figure
) -> SingleValue:
    """The result with its number, in words, over a figure."""
    figure.update_layout(template="plotly_white", margin={"t": 30, "b": 40})
    return _shown(calculation, value, label, text, plotly_figure(title="", figure=figure, size=WidgetSize.FULL))


def tabled(
    calculation: SingleValueCalculation[Any],
    value: float,
    label: str,
    text: str,
    *,
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
) -> SingleValue:
    """The result with its number, in words, over a table."""
    table = table_data(title="", column_names=list(header), data=rows, size=WidgetSize.FULL)
    return _shown(calculation, value, label, text, table)


def _shown(calculation: SingleValueCalculation[Any], value: float, label: str, text: str, widget: Any) -> SingleValue:
    result: SingleValue = calculation.result(value)
    result.widget = [counter(title=calculation.display_name(), counters=[CounterData(label, text)]), widget]
    return result
