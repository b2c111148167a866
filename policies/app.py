"""Composition root of the policies: the one place that names the checks, and the default chain as a list."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from domain import config
from domain.clock import SystemClock
from domain.errors import ConfigError
from domain.records import Stage, Verdict
from domain.settings import CheckSettings, OutputSettings, PolicySettings, Settings, TaskSettings
from policies.checks import json_schema, label, length, pii, secrets
from policies.engine import ConfiguredCheck, PolicyEngine

if TYPE_CHECKING:
    from domain.clock import Clock
    from domain.ports import Check

T = TypeVar("T", bound=msgspec.Struct)


class Kind(msgspec.Struct, frozen=True):
    """How to build one kind of check, and what it does with a finding in each stage unless told otherwise."""

    options: type[msgspec.Struct]
    build: Callable[[Any, TaskSettings, Path, Verdict], Check]  # the verdict is what a finding becomes
    verdicts: dict[Stage, Verdict]


KINDS: dict[str, Kind] = {
    "label": Kind(
        label.Options,
        lambda options, task, root, verdict: label.LabelCheck(options, labels=task.output.labels),
        {Stage.OUTPUT: Verdict.FALLBACK},
    ),
    "json_schema": Kind(
        json_schema.Options,
        lambda options, task, root, verdict: json_schema.JsonSchemaCheck(options, path=_schema(task, root)),
        {Stage.OUTPUT: Verdict.FALLBACK},
    ),
    "length": Kind(
        length.Options,
        lambda options, task, root, verdict: length.LengthCheck(options),
        {Stage.INPUT: Verdict.BLOCK, Stage.OUTPUT: Verdict.FALLBACK},
    ),
    # People paste keys into support forms: refusing the ticket helps nobody, so an input is only flagged.
    "secrets": Kind(
        secrets.Options,
        lambda options, task, root, verdict: secrets.SecretsCheck(options, all_spans=verdict is Verdict.REDACT),
        {Stage.INPUT: Verdict.FLAG, Stage.OUTPUT: Verdict.BLOCK},
    ),
    "pii": Kind(
        pii.Options,
        lambda options, task, root, verdict: pii.PiiCheck(options, all_spans=verdict is Verdict.REDACT),
        {Stage.INPUT: Verdict.FLAG, Stage.OUTPUT: Verdict.REDACT},
    ),
}


def default_policies(output: OutputSettings) -> PolicySettings:
    """The chain for a task that names none: structure first, because it is cheapest and fails most often."""
    structure = ["label"] if output.labels else ["json_schema"] if output.json_schema else []
    return PolicySettings(
        input=tuple(CheckSettings(name=name) for name in ("length", "secrets", "pii")),
        output=tuple(CheckSettings(name=name) for name in (*structure, "length", "secrets", "pii")),
    )


def build(task: TaskSettings, *, root: Path, path: str, clock: Clock | None = None) -> PolicyEngine:
    """The engine of a task; `path` is the task's own in the configuration.

    Raises:
        ConfigError: a check is unknown, has bad options, or makes no sense for the stage or the task.
    """
    policies = default_policies(task.output) if task.policies is None else task.policies
    stages = {
        stage: [
            _configure(settings, task, stage, root=root, path=f"{path}.policies.{stage}.{number}")
            for number, settings in enumerate(listed)
        ]
        for stage, listed in ((Stage.INPUT, policies.input), (Stage.OUTPUT, policies.output))
    }
    return PolicyEngine(stages, clock=clock or SystemClock())


def load(path: Path) -> Settings:
    """The settings in the file at `path`, once the engines of all their tasks could be built.

    Raises:
        ConfigError: the file or one of its policies cannot be used.
    """
    settings = config.load(path)
    for name, task in settings.tasks.items():
        build(task, root=Path(settings.root), path=f"tasks.{name}")
    return settings


def _configure(settings: CheckSettings, task: TaskSettings, stage: Stage, *, root: Path, path: str) -> ConfiguredCheck:
    kind = KINDS.get(settings.name)
    if kind is None:
        raise ConfigError(path, f"unknown check {settings.name!r}; known are {', '.join(sorted(KINDS))}")
    if stage not in kind.verdicts:
        raise ConfigError(path, f"{settings.name} is not for the {stage} but the {next(iter(kind.verdicts))}")
    path = f"{path}.{settings.name}"
    if settings.verdict is Verdict.REDACT and stage is Stage.INPUT:
        raise ConfigError(f"{path}.verdict", "an input is not redacted; use flag, fallback or block")
    if settings.on_error is Verdict.REDACT:
        raise ConfigError(f"{path}.on_error", "a failed check has nothing to redact; use flag, fallback or block")
    verdict = settings.verdict or kind.verdicts[stage]
    try:
        check = kind.build(_options(settings.options, kind.options), task, root, verdict)
    except ConfigError as error:
        problem = str(error).removeprefix(f"{error.path}: ")
        raise ConfigError(f"{path}.{error.path}".removesuffix("."), problem) from None
    return ConfiguredCheck(
        check=check,
        verdict=verdict,
        on_error=settings.on_error,
        budget_s=settings.budget_ms / 1000,
    )


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


def _schema(task: TaskSettings, root: Path) -> Path:
    if not task.output.json_schema:
        raise ConfigError("", "the task has no schema: give output.json_schema, or leave the check out")
    return root / task.output.json_schema
