"""A check that the operator wrote: an installed entry point, or an object in a module."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import msgspec
import re2

from domain.errors import ConfigError
from domain.records import Decision, Span
from policies import references
from policies.codes import is_code

if TYPE_CHECKING:
    from domain.ports import Check, Subject

GROUP = "preceptor.checks"  # of entry points
OTHER = "other"
_MOST_REASONS = 32  # a metric has one series for each


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the factory of the check is: the name of an entry point of the group `preceptor.checks`, or `module:name`.

    It is called with `args` and gives a `domain.ports.Check`.
    """

    entry_point: str = ""
    object: str = ""
    args: dict[str, Any] = {}

    def __post_init__(self) -> None:
        if bool(self.entry_point) == bool(self.object):
            raise ConfigError("object", "give either entry_point (its name) or object (module:attribute)")


class PythonCheck:
    """Reasons: those of the operator's check, the first 32 that it gives; `other` for further ones.

    What is no code, or points outside the texts, is an error of the check: nothing that a user wrote gets from its
    answer into a metric.
    """

    name = "python"

    def __init__(self, options: Options) -> None:
        """Import and make the check.

        Raises:
            ConfigError: it cannot be found or made, or is no check; the problem says what is missing.
        """
        self._check = _made(_factory(options), options)
        self.triggers: tuple[str, ...] = tuple(self._check.triggers)
        self.window: int | None = self._check.window
        self._reasons: set[str] = set()

    def inspect(self, subject: Subject) -> Decision | None:
        """See `domain.ports.Check`.

        Raises:
            TypeError: the check gave no decision.
            RuntimeError: it called exit, which must not end the gateway.
            ValueError: its decision has a reason or a kind that is no code, or a span outside the texts.
        """
        try:
            found = self._check.inspect(subject)
        except SystemExit:
            raise RuntimeError("the check tried to end the process") from None
        if found is None:
            return None
        if not isinstance(found, Decision):
            raise TypeError(f"a check gives a Decision or None, not {type(found).__name__}")
        spans = tuple(found.spans)
        for span in spans:
            _examine(span, subject)
        return Decision(self.name, found.verdict, self._bounded(found.reason), spans)

    def _bounded(self, reason: str) -> str:
        if not is_code(reason):
            raise ValueError("the reason of a decision must be a code: at most 40 of a-z, 0-9 and _")
        if len(self._reasons) < _MOST_REASONS:
            self._reasons.add(reason)
        return reason if reason in self._reasons else OTHER


def _factory(options: Options) -> Any:
    if options.object:
        return references.load(options.object, key="object")
    from importlib import metadata  # here: it costs milliseconds that no other check needs

    installed = metadata.entry_points(group=GROUP)
    found = {entry.value for entry in installed if entry.name == options.entry_point}
    if len(found) != 1:
        known = ", ".join(sorted(installed.names)) or "none"
        problem = f"{len(found)} packages have an entry point {options.entry_point!r} of {GROUP}; known are {known}"
        raise ConfigError("entry_point", problem)
    return references.load(found.pop(), key="entry_point")


def _made(factory: Any, options: Options) -> Check:
    """The check, once it is known to be one."""
    path = options.object or options.entry_point
    key = "object" if options.object else "entry_point"
    if not callable(factory):
        raise ConfigError(key, f"{path} must be a class or function that gives a check when it is called")
    try:
        made = factory(**options.args)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the operator's code may raise anything
        problem = f"{path} cannot be made: {type(error).__name__}: {error}".splitlines()[0]
        raise ConfigError("args", problem) from None
    if problems := _missing(made):
        raise ConfigError(key, f"{path} gives {type(made).__name__}, which is no check: {'; '.join(problems)}")
    check: Check = made
    return check


def _missing(made: Any) -> list[str]:
    """What it takes to be a `domain.ports.Check`, as far as can be seen without asking it."""
    problems = [f"it has no {name}" for name in ("triggers", "window", "inspect") if not hasattr(made, name)]
    if problems:
        return problems
    triggers, window = made.triggers, made.window
    if not isinstance(triggers, list | tuple) or not all(isinstance(trigger, str) for trigger in triggers):
        problems.append("triggers must be a tuple of patterns")
    else:
        problems += [f"RE2 cannot compile the trigger {trigger!r}" for trigger in triggers if not _compiles(trigger)]
    if window is not None and (type(window) is not int or window < 0):
        problems.append("window must be None or a number of characters")
    if not callable(made.inspect) or inspect.iscoroutinefunction(made.inspect):
        problems.append("inspect must be a plain method")
    return problems


def _compiles(trigger: str) -> bool:
    quiet = re2.Options()
    quiet.log_errors = False
    try:
        re2.compile(trigger, quiet)
    except re2.error:
        return False
    return True


def _examine(span: Any, subject: Subject) -> None:
    if not isinstance(span, Span):
        raise TypeError(f"a span of a decision must be a Span, not {type(span).__name__}")
    if span.kind and not is_code(span.kind):
        raise ValueError("the kind of a span must be a code: at most 40 of a-z, 0-9 and _")
    inside = 0 <= span.text < len(subject.texts) and 0 <= span.start <= span.end <= len(subject.texts[span.text])
    if not inside:
        raise ValueError(f"a span lies outside the texts: {span.start} to {span.end} of text {span.text}")


if TYPE_CHECKING:
    _: Check = PythonCheck(Options())
