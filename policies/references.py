"""Turns `module:attribute` of a configuration into the object that it names."""

from __future__ import annotations

import importlib
import operator
from typing import Any

from domain.errors import ConfigError


def load(reference: str, *, key: str) -> Any:
    """What `module:attribute` names, once the module is imported.

    Raises:
        ConfigError: of `key`: it is not of that form, the module cannot be imported, or it has no such attribute.
    """
    module, _, attribute = reference.partition(":")
    if not module or not attribute:
        raise ConfigError(key, f"{reference!r} must be written as module:attribute")
    try:
        return operator.attrgetter(attribute)(importlib.import_module(module))
    except ImportError as error:
        missing = f"there is no module {error.name}" if isinstance(error, ModuleNotFoundError) else _line(error)
        raise ConfigError(key, f"cannot import {module}: {missing}; install the package that has it") from None
    except AttributeError as error:
        raise ConfigError(key, f"{module} has no {attribute}: {_line(error)}") from None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a module of others may do anything when it is imported
        raise ConfigError(key, f"cannot import {module}: {type(error).__name__}: {_line(error)}") from None


def _line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
