"""Checks from their settings: refuses what is unknown, what makes no sense, and what could not keep its promise."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec

from domain.errors import ConfigError
from domain.records import Stage, Verdict
from domain.settings import AppliesTo, CheckSettings
from policies.configured import ConfiguredCheck
from policies.engine import Chain
from policies.kinds import KINDS, Kind, Making
from policies.placement import place
from policies.pool import Pool, Pooled
from policies.scope import Scope

if TYPE_CHECKING:
    from domain.clock import Clock
    from domain.ports import Check, WaitingCheck

T = TypeVar("T", bound=msgspec.Struct)

_EVERYTHING = AppliesTo()


class Links:
    """Makes the links of a task's chains, in one stage."""

    def __init__(self, stage: Stage, making: Making, *, pool: Pool, clock: Clock, streams: bool) -> None:
        """`streams`: answers leave in a window, while they are written."""
        self._stage = stage
        self._making = making
        self._pool = pool
        self._clock = clock
        self._streams = streams and stage is Stage.OUTPUT

    def chain(self, listed: Sequence[CheckSettings], path: str) -> Chain:
        """The checks that are listed; `path` is the list's place in the configuration.

        Raises:
            ConfigError: a check is unknown, has bad options, or makes no sense for the stage or the task.
        """
        inline: list[ConfiguredCheck[Any]] = []
        waiting: list[ConfiguredCheck[Any]] = []
        called: set[str] = set()
        for number, settings in enumerate(listed):
            place = f"{path}.{number}"
            if settings.called in called:
                raise ConfigError(place, f"there are two checks called {settings.called!r}: give one of them an id")
            called.add(settings.called)
            made, waits = self._made(settings, place)
            (waiting if waits else inline).append(made)
        return Chain(tuple(inline), tuple(waiting))

    def _made(self, settings: CheckSettings, place: str) -> tuple[ConfiguredCheck[Any], bool]:
        kind = KINDS.get(settings.name)
        if kind is None:
            raise ConfigError(place, f"unknown check {settings.name!r}; known are {', '.join(sorted(KINDS))}")
        if self._stage not in kind.verdicts:
            others = " or ".join(kind.verdicts)
            raise ConfigError(place, f"{settings.name} is not for the {self._stage} but the {others}")
        path = f"{place}.{settings.name}"
        self._check_sense(settings, path)
        verdict = self._verdict(settings, kind, path)
        check = self._built(settings, kind, verdict, path)
        waits = kind.runs == "waits" or isinstance(check, Pooled)
        if self._streams and settings.mode == "enforce" and (waits or cast("Check", check).window is None):
            raise ConfigError(
                path, "it judges whole answers only: give the policy `stream: buffer`, or use shadow mode"
            )
        configured: ConfiguredCheck[Any] = ConfiguredCheck(
            check=check,
            called=settings.called,
            stage=self._stage,
            verdict=verdict,
            on_error=settings.on_error,
            budget_s=settings.budget_ms / 1000,
            shadow=settings.mode == "shadow",
            safety=kind.safety,
            scope=_scope(settings.applies_to) or _scope(kind.applies_to),
        )
        return configured, waits

    def _check_sense(self, settings: CheckSettings, path: str) -> None:
        applies_to = settings.applies_to
        if settings.verdict is Verdict.REDACT and self._stage is Stage.INPUT:
            raise ConfigError(f"{path}.verdict", "an input is not redacted; use flag, fallback or block")
        if settings.on_error is Verdict.REDACT:
            raise ConfigError(f"{path}.on_error", "a failed check has nothing to redact; use flag, fallback or block")
        if self._stage is Stage.OUTPUT and applies_to.roles:
            raise ConfigError(f"{path}.applies_to.roles", "an answer has no roles; use texts or choices")
        if self._stage is Stage.INPUT and (applies_to.texts or applies_to.choices != "all"):
            raise ConfigError(f"{path}.applies_to", "an input has no texts and no choices of an answer; use roles")

    def _verdict(self, settings: CheckSettings, kind: Kind, path: str) -> Verdict:
        if settings.verdict is None:
            verdict = kind.verdicts[self._stage]
            return Verdict.BLOCK if verdict is Verdict.FALLBACK and self._streams else verdict
        if settings.verdict is Verdict.FALLBACK and settings.mode == "enforce":
            if self._making.task.fallback != "teacher":
                raise ConfigError(f"{path}.verdict", "the task has `fallback: block`: no teacher answers in its place")
            if self._streams:
                problem = "an answer that has begun to leave cannot fall back: use block, or `stream: buffer`"
                raise ConfigError(f"{path}.verdict", problem)
        return settings.verdict

    def _built(self, settings: CheckSettings, kind: Kind, verdict: Verdict, path: str) -> Check | WaitingCheck:
        making = msgspec.structs.replace(
            self._making,
            all_spans=verdict is Verdict.REDACT or self._streams,
            budget_s=settings.budget_ms / 1000,
        )
        if kind.runs == "waits" and settings.run:
            raise ConfigError(f"{path}.run", "the check waits for another process; leave `run` out")
        try:
            options = _options(settings.options, kind.options)
            if kind.runs == "waits":
                return kind.build(options, making)
            return place(
                functools.partial(cast("Callable[..., Check]", kind.build), options, making),
                run=settings.run or ("" if kind.runs == "measured" else kind.runs),
                pool=self._pool,
                budget_s=making.budget_s,
                clock=self._clock,
            )
        except ConfigError as error:
            problem = str(error).removeprefix(f"{error.path}: ")
            raise ConfigError(f"{path}.{error.path}".removesuffix("."), problem) from None


def _scope(applies_to: AppliesTo) -> Scope | None:
    return None if applies_to == _EVERYTHING else Scope(applies_to)


def _options(given: dict[str, Any], shape: type[T]) -> T:
    known = [field.name for field in msgspec.structs.fields(shape)]
    for name in given:
        if name not in known:
            raise ConfigError(name, f"unknown option; known are {', '.join(known) or 'none'}")
    try:
        return msgspec.convert(given, shape)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$.")
        raise ConfigError(place.rstrip("`").replace("[", ".").replace("]", ""), problem) from None
