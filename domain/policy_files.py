"""Policies as they stand in YAML, in the configuration or in a file of their own, to settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from domain.conversion import convert, resolve
from domain.errors import ConfigError
from domain.settings import CheckSettings, PolicySettings

_CHECK_KEYS = frozenset(CheckSettings.__struct_fields__) - {"name", "options"}
_STAGES = frozenset({"input", "output"})


def parse(value: Any, path: str) -> PolicySettings:
    """A policy; in it a check is a name or a mapping with one name.

    Raises:
        ConfigError: a key is unknown, missing or bad.
    """
    if isinstance(value, dict):
        value = {
            key: [_check(entry, f"{path}.{key}.{number}") for number, entry in enumerate(found)]
            if key in _STAGES and isinstance(found, list)
            else found
            for key, found in value.items()
        }
    return convert(value, PolicySettings, path)


def named(values: Any, *, environ: Mapping[str, str], root: Path) -> dict[str, PolicySettings]:
    """The policies that tasks refer to by name, each a mapping or the path of a YAML file that holds one.

    Raises:
        ConfigError: a file cannot be read, or a key is unknown, missing or bad.
    """
    if not isinstance(values, dict):
        raise ConfigError("policies", "must be a mapping of names")
    return {str(name): _named(value, f"policies.{name}", environ, root) for name, value in values.items()}


def used(tasks: Any, policies: Mapping[str, PolicySettings]) -> dict[str, Any]:
    """The tasks, not yet settings, with every policy in the place of its name.

    Raises:
        ConfigError: a task names a policy that is not there, or no task names one that is.
    """
    if not isinstance(tasks, dict):
        raise ConfigError("tasks", "must be a mapping of names")
    unused = dict(policies)
    found = {}
    for task, value in tasks.items():
        name = value.get("policies") if isinstance(value, dict) else None
        if isinstance(name, str):
            if name not in policies:
                known = ", ".join(sorted(policies)) or "none"
                raise ConfigError(f"tasks.{task}.policies", f"unknown name {name!r}; known are {known}")
            unused.pop(name, None)
        found[str(task)] = value | {"policies": policies[name]} if isinstance(name, str) else value
    for name in unused:
        raise ConfigError(f"policies.{name}", "no task uses it: name it in a task's `policies`, or take it out")
    return found


def _named(value: Any, path: str, environ: Mapping[str, str], root: Path) -> PolicySettings:
    if not isinstance(value, str):
        return parse(value, path)
    file = root / value
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(path, f"cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(path, f"{file} is not UTF-8 text") from None
    except yaml.YAMLError as error:
        raise ConfigError(path, f"{file} is not YAML: {getattr(error, 'problem', None) or 'unreadable'}") from None
    return parse(resolve(document, environ, path), path)


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
    return convert({"name": name, **known, "options": options}, CheckSettings, f"{path}.{name}")
