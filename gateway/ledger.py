"""What the answers of one task cost, and what the student saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.records import Arm, Usage

if TYPE_CHECKING:
    from domain.prices import Price
    from gateway.metrics import TaskMetrics


class Ledger:
    """Counts dollars by the tokens that the models' servers reported."""

    def __init__(self, metrics: TaskMetrics, *, teacher: Price, student: Price) -> None:
        self._metrics = metrics
        self._teacher = teacher
        self._student = student

    def answered(self, arm: Arm, usage: Usage) -> None:
        """A model answered, whether or not its answer is used: it must be paid."""
        leg, price = ("teacher", self._teacher) if arm is Arm.TEACHER else ("student", self._student)
        if cost_usd := price.cost_usd(usage):
            self._metrics.cost(leg).inc(cost_usd)

    def served(self, arm: Arm, usage: Usage) -> None:
        """An answer reached the client; a student's saved what the teacher would have cost more for its tokens."""
        if arm is not Arm.TEACHER:
            difference = self._teacher.cost_usd(usage) - self._student.cost_usd(usage)
            if difference > 0:
                self._metrics.saved.inc(difference)
