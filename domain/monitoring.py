"""The sections of `preceptor.yaml` that concern the monitors, each of one task."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from domain.durations import seconds
from domain.models import ModelSettings
from domain.sections import Count, Positive, Section, Share, require

Detectors = Literal["windowed", "per-sample", "none"]


class ShadowSettings(Section, frozen=True):
    """How often the teacher is asked off-path, and for how much money."""

    rate: Share = 0.01
    flagged_rate: Share = 0.10  # for inputs unlike the reference, while a drift warning holds
    unsure_rate: Share | None = None  # for answers of low probability; None: as any other
    unsure_below: Share = 0.5  # which answers these are
    slice_rate: Share | None = None  # for inputs of the slice whose agreement is worst; None: as any other
    selfcheck_rate: Share = 0.0  # of the pairs: the teacher is asked twice, to see how often it agrees with itself
    max_usd_per_day: Annotated[float, msgspec.Meta(ge=0)] = 20.0
    concurrency: Count = 4
    timeout_s: Positive = 30.0
    expire: str = "1d"  # a sample that could not be asked by then is given up and counted

    def __post_init__(self) -> None:
        require(self.flagged_rate >= self.rate, "flagged_rate must be at least rate")
        require(self.unsure_rate is None or self.unsure_rate >= self.rate, "unsure_rate must be at least rate")
        require(self.slice_rate is None or self.slice_rate >= self.rate, "slice_rate must be at least rate")
        seconds(self.expire)

    @property
    def highest_rate(self) -> float:
        """Of all strata."""
        return max(self.rate, self.flagged_rate, self.unsure_rate or 0.0, self.slice_rate or 0.0)


class DriftSettings(Section, frozen=True):
    """The detectors of inputs: which embedder, and how often they may be wrong."""

    embedder: str = "minilm"
    detector: Detectors = "windowed"
    false_alarm_days: Positive = 30.0  # per task, for all its windowed detectors together
    inputs_per_day: Positive = 2000.0  # expected journalled inputs; turns days into samples, for per-sample
    rate: Share = 1.0  # of the journalled inputs that are embedded
    one_per_user: bool = False  # windowed: a user counts once for each topic and hour; for tasks of few users
    most_per_s: Positive = 100.0  # inputs that are embedded a second; the others are counted as not looked at


class JsonFields(Section, frozen=True):
    """How the fields of two JSON answers are compared."""

    tolerance: Annotated[float, msgspec.Meta(ge=0)] = 0.0  # of numbers, relative to the teacher's
    unordered: tuple[str, ...] = ()  # paths of lists whose order says nothing, such as items or order.lines
    least: Share = 1.0  # share of the fields (F1) from which on two answers agree


class AgreementSettings(Section, frozen=True):
    """The agreement detector: how answers are compared, and how often it may be wrong."""

    comparer: Literal["", "label", "json", "exact", "text", "judge"] = ""  # empty: by the task's output
    json_fields: JsonFields | None = None  # field by field; None: equal or not
    judge: ModelSettings | None = None  # the model that judges, for comparer judge
    embedder: str = ""  # for comparer text; empty: that of drift
    least_similarity: Share | None = None  # cosine from which on two texts agree; None: as the teacher's own answers do
    detector: Detectors = "windowed"
    false_alarm_days: Positive = 30.0
    pairs_per_day: Positive = 200.0  # expected shadow pairs; turns days into samples, for per-sample
    window: Annotated[int, msgspec.Meta(ge=20)] = 500  # pairs in the estimate that is shown; the detector has no window

    def __post_init__(self) -> None:
        require(self.comparer != "judge" or self.judge is not None, "comparer judge needs judge: {upstream, model}")


class TeacherCheckSettings(Section, frozen=True):
    """Prompts that the teacher is asked again and again: a provider may change a model behind its name."""

    prompts: str  # a JSONL file of {"messages": [...]} or {"input": "..."}
    every: str = "1d"
    most: Count = 50  # prompts of the file that are asked

    def __post_init__(self) -> None:
        require(seconds(self.every) >= 60, "every must be at least 1m")


class SignalSettings(Section, frozen=True):
    """Who hears of a retraining signal, and how often at most."""

    notify: tuple[str, ...] = ()
    cooldown: str = "24h"
    updates: bool = False  # tell them, too, who answered and when it was over
    sunset_days: Positive = 60.0  # before a provider ends a model, a warning is due

    def __post_init__(self) -> None:
        seconds(self.cooldown)
