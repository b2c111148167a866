"""Reads `preceptor.yaml`; refuses unknown keys and bad values with the path of the key.

The only reader of the environment.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from domain.errors import ConfigError
from domain.settings import (
    CheckSettings,
    EmbedderSettings,
    NotifierSettings,
    Settings,
    TaskSettings,
    UpstreamSettings,
)

T = TypeVar("T")

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_AT = re.compile(r"^(?P<problem>.*?)(?: - at `\$(?P<path>[^`]*)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")
_CHECK_KEYS = ("verdict", "on_error", "budget_ms")


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
    resolved = _resolve(document, environ, "")
    values = dict(resolved)
    for name, shape in _MAPS.items():
        if name in values:
            values[name] = _each(values[name], name, shape)
    settings = _convert(values | {"root": str(root)}, Settings, "")
    _check_references(settings)
    return settings


def environment() -> Mapping[str, str]:
    """The environment of this process, for the few places that pass it on to a child."""
    return os.environ


def _task(value: Any, path: str) -> TaskSettings:
    if isinstance(value, dict) and isinstance(value.get("policies"), dict):
        policies = {
            stage: [_check(entry, f"{path}.policies.{stage}.{number}") for number, entry in enumerate(entries)]
            if isinstance(entries, list)
            else entries
            for stage, entries in value["policies"].items()
        }
        value = value | {"policies": policies}
    return _convert(value, TaskSettings, path)


def _check(entry: Any, path: str) -> CheckSettings:
    if isinstance(entry, str):
        return CheckSettings(name=entry)
    if not isinstance(entry, dict) or len(entry) != 1:
        raise ConfigError(path, "write a check as `name` or as `{name: {verdict: …}}`")
    ((name, given),) = entry.items()
    if not isinstance(given, dict):
        raise ConfigError(path, f"the options of {name!r} must be a mapping")
    known = {key: given[key] for key in _CHECK_KEYS if key in given}
    options = {key: value for key, value in given.items() if key not in _CHECK_KEYS}
    return _convert({"name": name, **known, "options": options}, CheckSettings, f"{path}.{name}")


def _plain(shape: type[T]) -> Callable[[Any, str], T]:
    return lambda value, path: _convert(value, shape, path)


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


def _convert(value: Any, shape: type[T], path: str) -> T:
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        match = _AT.match(str(error))
        assert match is not None
        inner = (match["path"] or "").replace("[...]", "").replace("[", ".").replace("]", "").strip(".")
        problem = match["problem"]
        if unknown := _UNKNOWN.fullmatch(problem):
            inner, problem = f"{inner}.{unknown[1]}".strip("."), "unknown key"
        raise ConfigError(".".join(part for part in (path, inner) if part), problem) from None


def _resolve(value: Any, environ: Mapping[str, str], path: str) -> Any:
    """`value` with every ${NAME} in it replaced from the environment."""
    if isinstance(value, dict):
        return {key: _resolve(item, environ, f"{path}.{key}".strip(".")) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolve(item, environ, f"{path}.{number}") for number, item in enumerate(value)]
    if not isinstance(value, str):
        return value

    def found(match: re.Match[str]) -> str:
        try:
            return environ[match[1]]
        except KeyError:
            raise ConfigError(path, f"the environment variable {match[1]} is not set") from None

    return _VARIABLE.sub(found, value)


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
        if max(task.shadow.rate, task.shadow.flagged_rate) > task.journal.rate:
            raise ConfigError(
                f"{path}.shadow",
                f"rates must not exceed journal.rate ({task.journal.rate}): the samples nest",
            )


def _known(path: str, name: str, section: Mapping[str, Any]) -> None:
    if name not in section:
        raise ConfigError(path, f"unknown name {name!r}; known are {', '.join(sorted(section)) or 'none'}")


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else "it is not UTF-8 text"
