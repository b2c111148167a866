"""Takes personal data and secrets out of texts that a report shows, as the task's own checks find them."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from domain.ports import Subject
from domain.records import Stage, Verdict
from domain.settings import CheckSettings, PolicySettings, Settings, TaskSettings
from policies import app as policies

Redact = Callable[[str], str]

HIDDEN = "[hidden]"  # a text that a check could not judge
_CHECKS = ("secrets", "pii")  # those that know where in a text a finding lies


def redactor(settings: Settings, task: str) -> Redact:
    """A function that redacts one text with the task's options of `secrets` and `pii`, whatever it has them for.

    A task without one of them gets it with its defaults: what serves a client may stay as it is, a report may not.

    Raises:
        ConfigError: a check has bad options.
    """
    own = settings.tasks[task]
    chain = PolicySettings(output=tuple(_redacting(own, name) for name in _CHECKS), stream="buffer")
    redacting = msgspec.structs.replace(own, policies=chain)
    engine = policies.build(msgspec.structs.replace(settings, tasks={**settings.tasks, task: redacting}), task)

    def redact(text: str) -> str:
        subject = Subject(Stage.OUTPUT, (text,), (0,), kinds=("content",), choices=(0,))
        judged = engine.judge(subject)
        if judged.verdict.severity > Verdict.REDACT.severity:
            return HIDDEN
        return judged.texts[0]

    return redact


def _redacting(task: TaskSettings, name: str) -> CheckSettings:
    chosen = policies.chosen(task)
    own = next((check for check in (*chosen.output, *chosen.input) if check.name == name), None)
    options = {} if own is None else own.options
    return CheckSettings(name=name, verdict=Verdict.REDACT, on_error=Verdict.BLOCK, budget_ms=500.0, options=options)
