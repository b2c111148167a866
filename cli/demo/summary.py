"""What the demo prints: signals with their evidence, the table, how to try it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from rich.console import Console
from rich.table import Table

from domain.ports import Subject
from domain.records import SignalKind, Stage, Verdict
from domain.settings import CheckSettings, PolicySettings
from policies import app as policies

if TYPE_CHECKING:
    from cli.demo.phases import Phase
    from domain.records import Signal
    from domain.settings import Settings
    from domain.store import Store

_EXAMPLE_CHARS = 90
_COLUMNS = (
    "phase", "requests", "student", "agreement [95 %]", "pairs", "by student", "serving", "shadow", "all teacher",
)  # fmt: skip


async def print_signals(
    console: Console, store: Store, settings: Settings, task: str, *, phases: Sequence[Phase], hooked: set[str]
) -> None:
    """Every signal of the run with when it came and what it rests on."""
    when = {alarm.id: f"request {alarm.requests} of {phase.phase}" for phase in phases for alarm in phase.alarms}
    for signal in await store.signals(task):
        console.print(
            f"{_headline(signal)}, at {when.get(signal.id, '?')}",
            style="bold red" if signal.kind is SignalKind.RETRAIN else "yellow",
        )
        console.print(f"  budget: {signal.false_alarm_budget}")
        if signal.agreement is not None:
            found = signal.agreement
            console.print(
                f"  agreement {found.estimate:.3f} [{found.lower:.3f}, {found.upper:.3f}] from {signal.pairs_used} "
                f"pairs that cost ${signal.pairs_cost_usd:.4f}"
            )
        if signal.kind is SignalKind.RETRAIN:
            console.print(f"  webhook: {'delivered, signature right' if signal.id in hooked else 'NOT delivered'}")
        for line in await _examples(store, settings, task, signal):
            console.print(f"  {line}", highlight=False, markup=False)


def print_table(console: Console, phases: Sequence[Phase]) -> None:
    """Before, drift, after."""
    table = Table(title="What the demo measured")
    for column in _COLUMNS:
        table.add_column(column, justify="left" if column in {"phase", "student"} else "right", no_wrap=True)
    for phase in phases:
        interval = "" if phase.interval is None else f" [{phase.interval[0]:.3f}, {phase.interval[1]:.3f}]"
        costs = phase.costs
        table.add_row(
            phase.phase,
            str(phase.requests),
            phase.model,
            "no pairs" if phase.agreement is None else f"{phase.agreement:.3f}{interval}",
            str(phase.pairs),
            f"{phase.student_share:.1%}",
            f"${costs.student + costs.fallback:.4f}",
            f"${costs.shadow:.4f}",
            f"${costs.all_teacher:.4f}",
        )
    console.print(table)
    if phases:
        console.print(f"prices: {phases[0].costs.price_source}", soft_wrap=True)
        console.print(
            f"The demo asks the teacher about {_share(phases)} of the inputs, to be over in a minute; "
            "a live task asks about 1 to 5 %.",
            soft_wrap=True,
        )


def print_shadows(console: Console, phases: Sequence[Phase], config: Path) -> None:
    """What the checks in shadow mode would have done, phase by phase."""
    for check in sorted({check for phase in phases for check in phase.would}):
        shares = ", ".join(f"{phase.would.get(check, 0.0):.1%} {phase.phase}" for phase in phases)
        console.print(
            f"shadow check {check} would have stopped or sent elsewhere: {shares} "
            f"(preceptor report safety -c {config})",
            highlight=False,
            soft_wrap=True,
        )


def print_json(phase: Phase) -> None:
    """One line on standard output."""
    sys.stdout.write(msgspec.json.encode(phase).decode() + "\n")
    sys.stdout.flush()


def print_try(console: Console, settings: Settings, task: str, text: str, out: Path) -> None:
    """How to talk to what is still running."""
    base = f"http://{settings.server.host}:{settings.server.port}/v1"
    body = msgspec.json.encode({"model": task, "messages": [{"role": "user", "content": text}]}).decode()
    console.print(
        f"\nbase URL: {base}\nmetrics:  http://{settings.server.host}:{settings.server.admin_port}/metrics\n"
        f"logs:     {out}/serve.log\n\n"
        f"curl -s {base}/chat/completions -H 'content-type: application/json' -d '{body}'\n\n"
        "from openai import OpenAI\n"
        f'client = OpenAI(base_url="{base}", api_key="any")\n'
        f'print(client.chat.completions.create(model="{task}", messages=[{{"role": "user", "content": "..."}}]))\n\n'
        "Ctrl-C ends it.",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def _share(phases: Sequence[Phase]) -> str:
    return f"{sum(phase.pairs for phase in phases) / max(sum(phase.requests for phase in phases), 1):.0%}"


def _headline(signal: Signal) -> str:
    what = "RETRAINING SIGNAL" if signal.kind is SignalKind.RETRAIN else "drift warning"
    return f"{what} ({signal.detector}): evidence {signal.evidence:.2f} of 1 after {signal.samples} observations"


async def _examples(store: Store, settings: Settings, task: str, signal: Signal) -> list[str]:
    """Inputs that explain the signal, with personal data and secrets replaced."""
    rows = await store.exchanges_by_id(signal.example_ids)
    pairs = {pair.exchange_id: pair for pair in await store.pairs(task, limit=100_000)}
    redacting = PolicySettings(
        output=tuple(CheckSettings(name=name, verdict=Verdict.REDACT) for name in ("secrets", "pii"))
    )
    chosen = msgspec.structs.replace(settings.tasks[task], policies=redacting)
    engine = policies.build(msgspec.structs.replace(settings, tasks={task: chosen}), task)
    lines = []
    for row in rows:
        text = engine.judge(Subject(Stage.OUTPUT, (row.exchange.input_text,))).texts[0]
        pair = pairs.get(row.exchange.id)
        said = f"student {row.exchange.output_text}"
        if pair is not None and pair.teacher_answer:
            said += f", teacher {pair.teacher_answer}"
        lines.append(f"- {text[:_EXAMPLE_CHARS]!r}: {said}")
    return lines
