"""The baseline of stream-learning libraries: Page-Hinkley's test (Page 1954), as the package `river` has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from domain.errors import PreceptorError
from domain.ports import Evidence, Observation

if TYPE_CHECKING:
    from domain.ports import Detector


class _State(msgspec.Struct):
    samples: int
    n: float
    mean: float
    total: float
    least: float | None  # None: infinite, before the first observation


_DECODER = msgspec.json.Decoder(_State)


class PageHinkley:
    """Alarms when the sum of deviations from the mean of all that was seen rises by more than a limit.

    It learns what is usual from the stream: what was bad from the beginning is usual to it.
    """

    def __init__(self, *, delta: float = 0.005, limit: float = 50.0, name: str = "page_hinkley") -> None:
        """`delta`: what an observation may deviate by; `limit` of the sum.  The defaults are those of river.

        Raises:
            PreceptorError: river is not installed.
        """
        self.name = name
        self._delta = delta
        self._limit = limit
        self._samples = 0
        self._test = self._new()

    def update(self, observation: Observation) -> Evidence:
        """See `domain.ports.Detector`; an observation of several counts is their mean."""
        self._test.update(sum(observation.counts) / len(observation.counts))
        self._samples += 1
        risen = max(0.0, self._test._sum_increase - self._test._min_increase)
        mean, alarm = self._test._x_mean.get(), bool(self._test.drift_detected)
        if alarm:
            self._test = self._new()
        return Evidence(self._samples, float(mean), 1.0 if alarm else min(risen / self._limit, 1.0), alarm)

    def state(self) -> bytes:
        """See `domain.ports.Detector`."""
        test = self._test
        least = float(test._min_increase) if test._x_mean.n else None
        mean, total = float(test._x_mean.get()), float(test._sum_increase)
        return msgspec.json.encode(_State(self._samples, float(test._x_mean.n), mean, total, least))

    def restore(self, state: bytes) -> None:
        """See `domain.ports.Detector`."""
        value, test = _DECODER.decode(state), self._new()
        if value.least is not None:
            test._x_mean = type(test._x_mean)._from_state(value.n, value.mean)
            test._sum_increase, test._min_increase = value.total, value.least
        self._samples, self._test = value.samples, test

    def budget(self) -> str:
        """See `domain.ports.Detector`."""
        return f"none stated: Page-Hinkley with delta {self._delta:g} and limit {self._limit:g}"

    def _new(self) -> Any:
        try:
            from river.drift import PageHinkley as Test
        except ImportError:
            raise PreceptorError("Page-Hinkley needs the package river: pip install 'preceptor[baselines]'") from None
        return Test(delta=self._delta, threshold=self._limit, mode="up")


if TYPE_CHECKING:
    _: Detector = PageHinkley()
