"""The demo, told in order: examples, student, traffic, drift, signal, retraining, recovery."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from cli.demo import sender
from cli.demo.phases import Phase, measure
from cli.demo.plan import Deal, Options, Traffic, drift_share
from cli.demo.workspace import Workspace, client
from cli.progress import STDERR, bar
from cli.promotion import deploy, keep_reference
from distill import app as distill
from distill.promote import PromotionRefusedError
from domain.clock import SystemClock
from domain.errors import PreceptorError
from domain.records import Agreement, SignalKind

if TYPE_CHECKING:
    import openai

    from cli.demo.dataset import Row
    from domain.ports import Embedder
    from domain.settings import Settings
    from domain.store import Store

_DRAIN_S = 120.0
_SWITCH_S = 30.0
_BY = "preceptor demo"


class Story:
    """One run on a started workspace."""

    def __init__(
        self, options: Options, dealt: Deal, workspace: Workspace, settings: Settings, *, store: Store
    ) -> None:
        self.phases: list[Phase] = []
        self._options = options
        self._deal = dealt
        self._workspace = workspace
        self._settings = settings
        self._store = store
        self._task = workspace.task
        self._prompt = settings.tasks[self._task].prompt
        self._traffic = Traffic(dealt, seed=options.seed)
        self._clock = SystemClock()
        self._client: openai.AsyncOpenAI = client(settings.server.port)
        self._examples = workspace.out / "examples.jsonl"

    async def first_student(self, embedder: Embedder) -> None:
        """Train and deploy version 1 on the examples that the teacher has answered."""
        texts = [row.text for row in self._deal.examples]
        await self._train("v1", "2", [self._examples], embedder)
        held_out = distill.prepare_dataset(self._settings, self._task, [self._examples]).split.test
        evaluation = await asyncio.to_thread(
            distill.evaluate_student, self._settings, self._task, self._model("v1"), held_out, embedder=embedder
        )
        reference = await keep_reference(self._store, texts, embedder=embedder, clock=self._clock)
        await deploy(
            self._settings, self._task, self._model("v1"), store=self._store, reference_id=reference,
            evaluation=evaluation, current=held_out, embedder=embedder, by=_BY, reason="first student",
            clock=self._clock, force=True,
        )  # fmt: skip
        STDERR.print(
            f"student {self._model('v1')} deployed: agreement {_interval(evaluation.agreement)} on held-out rows"
        )

    async def ask_teacher(self) -> None:
        """The teacher's answers to the examples, as JSONL."""
        texts = [row.text for row in self._deal.examples]
        with bar("1 teacher examples", len(texts)) as show:
            await distill.generate_examples(self._settings, self._task, texts, self._examples, progress=show)

    async def before(self) -> None:
        """Traffic like the examples."""
        await self._phase("before", "3", [self._traffic.draw(0.0) for _ in range(self._options.requests)])

    async def drift(self) -> float:
        """Traffic with the new domain mixed in; returns when its second half began."""
        rows = [self._traffic.draw(drift_share(self._options, n)) for n in range(self._options.requests)]
        return await self._phase("drift", "4", rows)

    @property
    def signalled(self) -> bool:
        """Whether the drift phase raised the retraining signal."""
        return any(a.kind == SignalKind.RETRAIN for phase in self.phases for a in phase.alarms)

    async def retrain(self, embedder: Embedder, *, since: float) -> bool:
        """Version 2 from the examples and the shadow pairs; deployed if it is not worse.  `since`: what is recent."""
        everything, recent = (self._workspace.out / name for name in ("pairs.jsonl", "recent.jsonl"))
        count = await distill.examples_from_pairs(self._settings, self._task, self._store, everything)
        texts = await self._recent(recent, since=since)
        files = [self._examples, everything, recent]
        STDERR.print(f"  {len(self._deal.examples)} first examples, {count} shadow pairs, {len(texts)} recent inputs")
        await self._train("v2", "5", files, embedder)
        evaluation = await asyncio.to_thread(
            distill.evaluate_student, self._settings, self._task, self._model("v2"),
            distill.prepare_dataset(self._settings, self._task, files).split.test,
            embedder=embedder, champion=self._model("v1"),
        )  # fmt: skip
        reference = await keep_reference(self._store, texts, embedder=embedder, clock=self._clock)
        try:
            await deploy(
                self._settings, self._task, self._model("v2"), store=self._store, reference_id=reference,
                evaluation=evaluation, embedder=embedder, by=_BY, reason="retraining signal", clock=self._clock,
                current=distill.prepare_dataset(self._settings, self._task, [recent]).split.test,
            )  # fmt: skip
        except PromotionRefusedError as error:
            STDERR.print(f"[red]{error}[/red]")
            return False
        STDERR.print(f"student {self._model('v2')} promoted: {evaluation.outcome.reason}")
        await self._switched(self._model("v2"))
        return True

    async def _recent(self, out: Path, *, since: float) -> list[str]:
        """The recent inputs, all answered in `out`: what the shadow has not asked, the teacher is asked now.

        They are like the traffic that the new student will meet, so they give its reference and its baselines.
        """
        await distill.examples_from_pairs(self._settings, self._task, self._store, out, after=since)
        rows = await self._store.exchanges(self._task, after=since, limit=2000)
        texts = [row.exchange.input_text for row in rows]
        with bar("5 teacher answers recent inputs", len(texts)) as show:
            await distill.generate_examples(self._settings, self._task, texts, out, progress=show)
        return texts

    async def after(self) -> None:
        """Traffic as it is now, on the new student."""
        share = drift_share(self._options, self._options.requests)
        await self._phase("after", "6", [self._traffic.draw(share) for _ in range(self._options.requests)])

    async def aclose(self) -> None:
        """Close the client."""
        await self._client.close()

    async def _phase(self, name: str, number: str, rows: list[Row]) -> float:
        start, half = self._clock.now_s(), len(rows) // 2
        with bar(f"{number} {name}: requests", len(rows)) as show:
            await sender.send(self._client, self._task, rows[:half], prompt=self._prompt, progress=show)
            middle = self._clock.now_s()
            await sender.send(
                self._client, self._task, rows[half:], prompt=self._prompt, progress=lambda n: show(half + n)
            )
        await self._drain(name)
        settings = self._settings.tasks[self._task]
        self.phases.append(await measure(self._store, self._task, settings, name=name, start=start))
        return middle

    async def _drain(self, name: str) -> None:
        """Wait until the monitors have seen everything: only then is a phase's silence a result."""
        loop = asyncio.get_running_loop()
        deadline, most = loop.time() + _DRAIN_S, 0
        with bar(f"  {name}: monitors catch up") as show:
            while True:
                await asyncio.sleep(0.2)
                backlog = await self._store.backlog(self._task)
                left = backlog.unread + backlog.pending_pairs + backlog.undelivered_signals
                most = max(most, left)
                show(most - left, most)
                if not left:
                    return
                if loop.time() > deadline:
                    log = self._workspace.out / "serve.log"
                    raise PreceptorError(f"the monitors did not catch up in {_DRAIN_S:g} s; read {log}")

    async def _train(self, version: str, number: str, files: list[Path], embedder: Embedder) -> None:
        model = self._model(version)
        with bar(f"{number} training {version}", None) as show:
            await asyncio.to_thread(
                distill.train_student, self._settings, self._task, files, model, embedder=embedder,
                clock=self._clock, progress=show,
            )  # fmt: skip

    async def _switched(self, model: str) -> None:
        """Wait until the gateway has taken notice; it reads the registry every second."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _SWITCH_S
        text = self._deal.examples[0].text
        while loop.time() < deadline:
            answer = await self._client.chat.completions.create(
                model=self._task, messages=[{"role": "user", "content": text}]
            )
            if answer.model == model:
                return
            await asyncio.sleep(0.2)
        raise PreceptorError(f"the gateway does not serve {model} {_SWITCH_S:g} s after its promotion")

    def _model(self, version: str) -> str:
        return f"{self._task}-{version}"


def _interval(agreement: Agreement) -> str:
    return f"{agreement.estimate:.3f} [{agreement.lower:.3f}, {agreement.upper:.3f}]"
