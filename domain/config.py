"""Reads `preceptor.yaml`; refuses unknown keys and bad values with the path of the key.

The only reader of the environment.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml

from domain import policy_files
from domain.conversion import convert, resolve
from domain.errors import ConfigError
from domain.settings import EmbedderSettings, NotifierSettings, Settings, TaskSettings, UpstreamSettings

T = TypeVar("T")


def load(path: Path, *, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings in the file at `path`.

    Raises:
        ConfigError: the file is missing or not YAML, or a key is unknown, missing or bad.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("", f"cannot read {path}: {_reason(error)}; `preceptor init` writes a new one") from None
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise ConfigError("", f"{where} is not YAML: {getattr(error, 'problem', None) or 'unreadable'}") from None
    return parse(document, environ=os.environ if environ is None else environ, root=path.resolve().parent)


def parse(document: Any, *, environ: Mapping[str, str], root: Path) -> Settings:
    """The settings in a document that YAML has read; relative paths in it start from `root`.

    Raises:
        ConfigError: a key is unknown, missing or bad.
    """
    if not isinstance(document, dict):
        raise ConfigError("", "the configuration must be a mapping with `upstreams` and `tasks`")
    resolved = resolve(document, environ, "")
    values = dict(resolved)
    values["policies"] = policy_files.named(values.get("policies", {}), environ=environ, root=root)
    values["tasks"] = policy_files.used(values.get("tasks", {}), values["policies"])
    for name, shape in _MAPS.items():
        if name in values:
            values[name] = _each(values[name], name, shape)
    settings = convert(values | {"root": str(root)}, Settings, "")
    _check_references(settings)
    return settings


def environment() -> Mapping[str, str]:
    """The environment of this process, for the few places that pass it on to a child."""
    return os.environ


def _task(value: Any, path: str) -> TaskSettings:
    if isinstance(value, dict) and isinstance(value.get("policies"), dict):
        value = value | {"policies": policy_files.parse(value["policies"], f"{path}.policies")}
    return convert(value, TaskSettings, path)


def _plain(shape: type[T]) -> Callable[[Any, str], T]:
    return lambda value, path: convert(value, shape, path)


_MAPS: dict[str, Callable[[Any, str], Any]] = {
    "upstreams": _plain(UpstreamSettings),
    "tasks": _task,
    "embedders": _plain(EmbedderSettings),
    "notifiers": _plain(NotifierSettings),
}


def _each(values: Any, path: str, shape: Callable[[Any, str], T]) -> dict[str, T]:
    if not isinstance(values, dict):
        raise ConfigError(path, "must be a mapping of names")
    return {str(name): shape(value, f"{path}.{name}") for name, value in values.items()}


def _check_references(settings: Settings) -> None:
    if not settings.tasks:
        raise ConfigError("tasks", "at least one task is needed")
    for name, task in settings.tasks.items():
        path = f"tasks.{name}"
        for role, model in (("teacher", task.teacher), ("student", task.student)):
            _known(f"{path}.{role}.upstream", model.upstream, settings.upstreams)
            model.priced(path=f"{path}.{role}")
        _known(f"{path}.drift.embedder", task.drift.embedder, settings.embedders)
        for notifier in task.signal.notify:
            _known(f"{path}.signal.notify", notifier, settings.notifiers)
        if task.agreement.embedder:
            _known(f"{path}.agreement.embedder", task.agreement.embedder, settings.embedders)
        if task.agreement.judge is not None:
            _known(f"{path}.agreement.judge.upstream", task.agreement.judge.upstream, settings.upstreams)
        if task.shadow.highest_rate > task.journal.rate:
            raise ConfigError(
                f"{path}.shadow",
                f"rates must not exceed journal.rate ({task.journal.rate}): the samples nest",
            )


def _known(path: str, name: str, section: Mapping[str, Any]) -> None:
    if name not in section:
        raise ConfigError(path, f"unknown name {name!r}; known are {', '.join(sorted(section)) or 'none'}")


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else "it is not UTF-8 text"
