"""The kinds of checks: the one place that names them all, and says what each does unless told otherwise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from domain.errors import ConfigError
from domain.records import Stage, Verdict
from domain.settings import AppliesTo
from policies.checks import (
    charset,
    domain,
    echo,
    grounding,
    guardrails,
    http,
    injection,
    json_schema,
    label,
    length,
    markup,
    pii,
    presidio,
    python,
    secrets,
)

if TYPE_CHECKING:
    from domain.ports import Check, Upstream, WaitingCheck
    from domain.settings import TaskSettings


class Making(msgspec.Struct, frozen=True, kw_only=True):
    """What a check may be made of, beside its options."""

    task: TaskSettings
    root: Path  # that relative paths start from
    budget_s: float
    all_spans: bool  # everything must be located: to be cut out, or to be kept back while an answer streams
    upstream: Callable[[str], Upstream]  # by its name; raises ConfigError


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of check, and what it does with a finding in each stage unless told otherwise."""

    options: type[msgspec.Struct]
    build: Callable[[Any, Making], Check | WaitingCheck]
    verdicts: dict[Stage, Verdict]
    applies_to: AppliesTo = AppliesTo()
    safety: bool = False  # what it finds is unsafe, whichever model wrote it
    # Where it runs unless told otherwise: here, on a thread, where its cost on a probe says, or in another process.
    runs: Literal["inline", "pooled", "measured", "waits"] = "inline"


def _schema(making: Making) -> Path:
    if not making.task.output.json_schema:
        raise ConfigError("", "the task has no schema: give output.json_schema, or leave the check out")
    return making.root / making.task.output.json_schema


def _any_schema(making: Making) -> Path | None:
    return _schema(making) if making.task.output.json_schema else None


KINDS: dict[str, Kind] = {
    "label": Kind(
        options=label.Options,
        build=lambda options, making: label.LabelCheck(options, labels=making.task.output.labels),
        verdicts={Stage.OUTPUT: Verdict.FALLBACK},
    ),
    "json_schema": Kind(
        options=json_schema.Options,
        build=lambda options, making: json_schema.JsonSchemaCheck(options, path=_schema(making)),
        verdicts={Stage.OUTPUT: Verdict.FALLBACK},
    ),
    "length": Kind(
        options=length.Options,
        build=lambda options, making: length.LengthCheck(options),
        verdicts={Stage.INPUT: Verdict.BLOCK, Stage.OUTPUT: Verdict.FALLBACK},
    ),
    # People paste keys into support forms: refusing the ticket helps nobody, so an input is only flagged.
    "secrets": Kind(
        options=secrets.Options,
        build=lambda options, making: secrets.SecretsCheck(options, all_spans=making.all_spans),
        verdicts={Stage.INPUT: Verdict.FLAG, Stage.OUTPUT: Verdict.BLOCK},
        safety=True,
    ),
    "pii": Kind(
        options=pii.Options,
        build=lambda options, making: pii.PiiCheck(options, all_spans=making.all_spans),
        verdicts={Stage.INPUT: Verdict.FLAG, Stage.OUTPUT: Verdict.REDACT},
        safety=True,
    ),
    "markup": Kind(
        options=markup.Options,
        build=lambda options, making: markup.MarkupCheck(options, all_spans=making.all_spans),
        verdicts={Stage.OUTPUT: Verdict.REDACT},
        safety=True,
    ),
    "echo": Kind(
        options=echo.Options,
        build=lambda options, making: echo.EchoCheck(options, all_spans=making.all_spans),
        verdicts={Stage.OUTPUT: Verdict.REDACT},
        safety=True,
    ),
    "grounding": Kind(
        options=grounding.Options,
        build=lambda options, making: grounding.GroundingCheck(options, schema=_any_schema(making)),
        verdicts={Stage.OUTPUT: Verdict.FALLBACK},
    ),
    "charset": Kind(
        options=charset.Options,
        build=lambda options, making: charset.CharsetCheck(options, all_spans=making.all_spans),
        verdicts={Stage.INPUT: Verdict.FLAG, Stage.OUTPUT: Verdict.FALLBACK},
    ),
    # Who is not for the student is for the teacher: neither of these two says that anybody means harm.
    "injection": Kind(
        options=injection.Options,
        build=lambda options, making: injection.InjectionCheck(options, all_spans=making.all_spans),
        verdicts={Stage.INPUT: Verdict.FALLBACK},
        applies_to=AppliesTo(roles=("user", "tool")),  # the operator of the client may well say what a signature says
    ),
    "domain": Kind(
        options=domain.Options,
        build=lambda options, making: domain.DomainCheck(options, root=making.root),
        verdicts={Stage.INPUT: Verdict.FALLBACK},
    ),
    "guardrails": Kind(
        options=guardrails.Options,
        build=lambda options, making: guardrails.GuardrailsCheck(options, all_spans=making.all_spans),
        verdicts={Stage.INPUT: Verdict.FLAG, Stage.OUTPUT: Verdict.FALLBACK},
        safety=True,
        runs="measured",
    ),
    "presidio": Kind(
        options=presidio.Options,
        build=lambda options, making: presidio.PresidioCheck(options, root=making.root, all_spans=making.all_spans),
        verdicts={Stage.INPUT: Verdict.FLAG, Stage.OUTPUT: Verdict.REDACT},
        safety=True,
        runs="pooled",
    ),
    "http": Kind(
        options=http.Options,
        build=lambda options, making: http.HttpCheck(
            options, upstream=making.upstream(options.upstream), budget_s=making.budget_s
        ),
        verdicts={Stage.INPUT: Verdict.BLOCK, Stage.OUTPUT: Verdict.BLOCK},
        safety=True,
        runs="waits",
    ),
    "python": Kind(
        options=python.Options,
        build=lambda options, making: python.PythonCheck(options),
        verdicts={Stage.INPUT: Verdict.FLAG, Stage.OUTPUT: Verdict.FALLBACK},
        runs="measured",
    ),
}
