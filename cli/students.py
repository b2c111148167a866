"""`preceptor train | evaluate | reference build | promote | rollback`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from cli.options import DEFAULT, By, Config, Json, Task, choose_task
from cli.progress import bar
from cli.runtime import opened_store
from domain import config
from domain.clock import SystemClock
from domain.errors import PreceptorError

if TYPE_CHECKING:
    from distill.evaluate import Evaluation
    from domain.ports import Embedder
    from domain.settings import Settings
    from domain.store import Store

_reference = typer.Typer(help="What inputs look like: the novelty detector compares traffic with it.")

Model = Annotated[str, typer.Argument(help="The student's name, such as ticket-intent-v2.")]
Files = Annotated[list[Path], typer.Argument(help="JSONL files of examples.")]

CanaryShare = Annotated[
    float, typer.Option(min=0.0, max=0.99, help="Only for this share of the users, as the challenger; 0: for all.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command()(train)
    app.command()(evaluate)
    app.command()(promote)
    app.command()(rollback)
    app.add_typer(_reference, name="reference")


def train(model: Model, files: Files, task: Task = "", path: Config = DEFAULT) -> None:
    """Train a student on teacher examples and put it where the student server looks."""
    from distill.app import train_student

    settings = config.load(path)
    name, _ = choose_task(settings, task)
    embedder = load_embedder(settings, name)
    with bar("training", None) as show:
        trained = train_student(settings, name, files, model, embedder=embedder, clock=SystemClock(), progress=show)
    sys.stdout.write(
        f"{model}: {trained.manifest.examples} examples, {len(trained.manifest.labels)} labels; {trained.folder}\n"
        f"next: preceptor evaluate {model} {' '.join(map(str, files))}\n"
    )


def evaluate(
    model: Model,
    files: Files,
    champion: Annotated[str, typer.Option(help="Compare with this student on the same rows.")] = "",
    task: Task = "",
    path: Config = DEFAULT,
    as_json: Json = False,
) -> None:
    """Measure a student on the held-out part of the examples; exit 1 when its gate stays closed."""
    settings = config.load(path)
    name, _ = choose_task(settings, task)
    found = _evaluate(settings, name, model, files, champion=champion, embedder=load_embedder(settings, name))
    if as_json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    else:
        agreement = found.agreement
        sys.stdout.write(
            f"{model}: agreement {agreement.estimate:.3f} [{agreement.lower:.3f}, {agreement.upper:.3f}] on "
            f"{agreement.pairs} held-out rows, calibration error {found.ece:.3f}\n"
            f"gate {'open' if found.outcome.passed else 'closed'}: {found.outcome.reason}\n"
        )
    raise typer.Exit(0 if found.outcome.passed else 1)


@_reference.command()
def build(
    inputs: Annotated[Path | None, typer.Option(help="A file of inputs; else the newest journalled exchanges.")] = None,
    limit: Annotated[int, typer.Option(min=100, help="How many exchanges to take.")] = 2000,
    task: Task = "",
    path: Config = DEFAULT,
) -> None:
    """Build a reference and print its id, for `preceptor promote --reference`."""
    from cli.dataset import read_texts
    from cli.promotion import keep_reference

    settings = config.load(path)
    name, _ = choose_task(settings, task)
    embedder = load_embedder(settings, name)

    async def run() -> str:
        async with opened_store(settings) as store:
            rows = await store.exchanges(name, limit=limit) if inputs is None else []
            texts = [row.exchange.input_text for row in rows] if inputs is None else read_texts(inputs)[:limit]
            return await keep_reference(store, texts, embedder=embedder, clock=SystemClock())

    sys.stdout.write(asyncio.run(run()) + "\n")


@_reference.command()
def gate(
    out: Annotated[Path, typer.Argument(help="The file; a relative path starts from the configuration's folder.")],
    inputs: Annotated[Path | None, typer.Option(help="A file of inputs; else the newest journalled exchanges.")] = None,
    limit: Annotated[int, typer.Option(min=500, help="How many inputs to take; more than 8,000 add little.")] = 10_000,
    over_block: Annotated[
        float, typer.Option(min=0.0001, max=0.1, help="Share of the task's own inputs that may go to the teacher.")
    ] = 0.006,
    task: Task = "",
    path: Config = DEFAULT,
) -> None:
    """Learn which inputs belong to the task, for the check `domain`."""
    from cli.dataset import read_texts
    from cli.domain_gate import accepted_inputs, keep_gate

    settings = config.load(path)
    name, _ = choose_task(settings, task)

    async def journalled() -> list[str]:
        async with opened_store(settings) as store:
            return await accepted_inputs(store, name, limit=limit)

    texts = asyncio.run(journalled()) if inputs is None else read_texts(inputs)[:limit]
    file = Path(settings.root) / out
    count = keep_gate(file, texts, task=name, embedder=load_embedder(settings, name), over_block=over_block)
    sys.stdout.write(
        f"{file}: learned from {count} different inputs; {over_block:.2%} of the task's own may be taken for others\n"
        f"next: tasks.{name}.policies: {{input: [{{domain: {{model: {out}}}}}, …]}}\n"
    )


def promote(
    model: Model,
    files: Files,
    reference: Annotated[str, typer.Option(help="From `preceptor reference build`.")],
    champion: Annotated[str, typer.Option(help="The student that must not be better; else the deployed one.")] = "",
    reason: Annotated[str, typer.Option(help="Why; kept in the audit trail.")] = "promoted by hand",
    force: Annotated[bool, typer.Option("--force", help="Promote although the gate is closed.")] = False,
    canary: CanaryShare = 0.0,
    by: By = "operator",
    task: Task = "",
    path: Config = DEFAULT,
) -> None:
    """Let a student serve, if it is not worse than the one that serves now."""
    from cli.promotion import deploy
    from distill.app import prepare_dataset

    settings = config.load(path)
    name, _ = choose_task(settings, task)
    embedder = load_embedder(settings, name)

    async def run() -> str:
        async with opened_store(settings) as store:
            rival = await _rival(store, name, model, reference)
            deployment = await deploy(
                settings,
                name,
                model,
                store=store,
                reference_id=reference,
                evaluation=_evaluate(settings, name, model, files, champion=champion or rival, embedder=embedder),
                current=prepare_dataset(settings, name, files).split.test,
                embedder=embedder,
                by=by,
                reason=reason,
                clock=SystemClock(),
                force=force,
                canary_share=canary,
            )
            return f"{model} {_serves(canary)} {name}: {deployment.reason}"

    sys.stdout.write(asyncio.run(run()) + "\n")


def _serves(canary: float) -> str:
    return "serves" if canary == 0.0 else f"answers {canary:.0%} of the users of"


def rollback(
    reason: Annotated[str, typer.Option(help="Why; kept in the audit trail.")] = "rolled back by hand",
    by: By = "operator",
    task: Task = "",
    path: Config = DEFAULT,
) -> None:
    """Take the challenger back; without one, let the student before the present one serve again."""
    from distill import promote as registry

    settings = config.load(path)
    name, _ = choose_task(settings, task)

    async def run() -> str:
        async with opened_store(settings) as store:
            deployment = await registry.rollback(store, name, by=by, reason=reason, clock=SystemClock())
            return f"{deployment.model} serves {name}: {deployment.reason}"

    sys.stdout.write(asyncio.run(run()) + "\n")


def load_embedder(settings: Settings, task: str) -> Embedder:
    """The embedder of a task, loaded.

    Raises:
        ModelError: its weights are missing.
    """
    from embedders.app import build

    return build(settings.embedders[settings.tasks[task].drift.embedder], root=settings.root)


async def _rival(store: Store, task: str, model: str, reference: str) -> str:
    """The deployed student, unless it is this one.

    Raises:
        PreceptorError: the store has no such reference.
    """
    if await store.blob(reference) is None:
        raise PreceptorError(f"no reference {reference!r} in the store; run: preceptor reference build")
    deployed = await store.deployment(task)
    return "" if deployed is None or deployed.model == model else deployed.model


def _evaluate(
    settings: Settings, task: str, model: str, files: list[Path], *, champion: str, embedder: Embedder
) -> Evaluation:
    from distill.app import evaluate_student, prepare_dataset

    held_out = prepare_dataset(settings, task, files).split.test
    return evaluate_student(settings, task, model, held_out, embedder=embedder, champion=champion)
