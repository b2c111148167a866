"""Agreement of slices as an Evidently metric."""

# (Evidently is not followed by mypy: its 353 modules import each other.)

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from evidently.core.metric_types import SingleValue, SingleValueCalculation, SingleValueMetric
from evidently.core.report import Context
from evidently.tests import lt

from monitors.evidently.drawing import tabled

if TYPE_CHECKING:
    from monitors.slices import SliceAgreement

_LONGEST = 60  # characters of a value
_HARMLESS = str.maketrans({"<": "\u2039", ">": "\u203a", "&": "+"})
_HEADER = ("slice", "agreement", "elsewhere", "share of traffic", "pairs", "false discovery rate", "")


class SliceAgreements(SingleValueMetric):
    """How many slices agree less than the rest; fails with the first.  Make one with `of`.

    Each row is what `monitors.slices.SliceAgreement` holds: dimension, value, estimate, lower, upper, elsewhere, share
    of the traffic, pairs, false discovery rate, and whether it is worse.
    """

    rows: list[tuple[str, str, float, float, float, float, float, int, float, bool]]

    @classmethod
    def of(cls, found: Iterable[SliceAgreement]) -> SliceAgreements:
        """The metric of these slices."""
        return cls(rows=[_row(each) for each in found])

    def _default_tests(self, context: Context) -> list[Any]:
        return [lt(1).bind_single(self.get_fingerprint())]

    def _default_tests_with_reference(self, context: Context) -> list[Any]:
        return self._default_tests(context)


class SliceAgreementsCalculation(SingleValueCalculation[SliceAgreements]):
    """Shows `SliceAgreements`."""

    def calculate(self, context: Context, current_data: Any, reference_data: Any) -> SingleValue:
        """See Evidently."""
        rows = self.metric.rows
        worse = sum(row[-1] for row in rows)
        told = [
            (
                f"{dimension}: {value}",
                f"{estimate:.3f} [{lower:.3f}, {upper:.3f}]",
                f"{rest:.3f}",
                f"{share:.1%}",
                str(pairs),
                f"{q:.2g}",
                "worse" if lower_than_rest else "",
            )
            for dimension, value, estimate, lower, upper, rest, share, pairs, q, lower_than_rest in rows
        ]
        label = "slices that agree less than the rest"
        return tabled(self, float(worse), label, str(worse), header=_HEADER, rows=told)

    def display_name(self) -> str:
        """See Evidently."""
        return "Agreement by slice"


def _row(each: SliceAgreement) -> tuple[Any, ...]:
    found = each.agreement
    interval = (found.estimate, found.lower, found.upper)
    # A client names its tenant, and Evidently puts what it is given between the tags of a script as it is.
    value = each.value.translate(_HARMLESS)[:_LONGEST]
    return (each.dimension, value, *interval, each.rest, each.share, found.pairs, each.q_value, each.worse)
