"""Puts the loops of one task together: its watch, its pairing and, where it has canary prompts, its teacher's check."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from monitors import self_agreement
from monitors.budget import Budget
from monitors.closing import Closing
from monitors.comparers import build as comparers
from monitors.course import Course
from monitors.pairing import Pairing
from monitors.prompts import read_prompts
from monitors.rechecking import Rechecker
from monitors.safety import Safety
from monitors.self_agreement import SelfCheck
from monitors.teacher import Teacher, client
from monitors.teacher_check import TeacherCheck
from monitors.watch import Watch
from policies import app as policies

if TYPE_CHECKING:
    from domain.clock import Clock
    from domain.ports import Embedder
    from domain.settings import Settings
    from domain.store import Store
    from monitors.comparers.port import AnswerComparer
    from monitors.worker import Steps

_PAIRS = 5000  # among which those are looked for that the teacher answered twice


class TaskLoops:
    """The loops of one task, and what they share: the teacher, its money, and what its pairs have shown."""

    def __init__(
        self,
        settings: Settings,
        name: str,
        embedders: Mapping[str, Embedder],
        *,
        store: Store,
        clock: Clock,
        owner: str,
    ) -> None:
        """`embedders`: loaded, by name.

        Raises:
            ConfigError: a comparer or a price is unknown, or a policy cannot be used.
            DatasetError: the file of canary prompts cannot be used.
        """
        self.name = name
        self._settings, self._task = settings, settings.tasks[name]
        self._embedders = embedders
        self._store, self._clock, self._owner = store, clock, owner
        task, root = self._task, Path(settings.root)
        self._price = task.teacher.priced(path=f"tasks.{name}.teacher")
        sdk = client(settings.upstreams[task.teacher.upstream], timeout_s=task.shadow.timeout_s, root=root)
        self.teacher = Teacher(task.teacher, sdk, shadow=task.shadow)
        self._comparer = self._build_comparer()
        self._rechecker = Rechecker(
            name, task.teacher.model, teacher=self.teacher, price=self._price, comparer=self._comparer
        )
        self._safety = Safety(policies.build(settings, name, clock=clock))
        self._budget = Budget(name, task, price=self._price, store=store, clock=clock)
        self._course = Course(task)
        self.loops: Sequence[Steps] = [self._watch(), self._pairing(), *self._teacher_check()]

    async def aclose(self) -> None:
        """Close connections."""
        await self.teacher.aclose()
        await self._comparer.aclose()

    def _watch(self) -> Watch:
        return Watch(
            self.name,
            self._task,
            store=self._store,
            embedder=self._embedders[self._task.drift.embedder],
            safety=self._safety,
            budget=self._budget,
            course=self._course,
            clock=self._clock,
            owner=self._owner,
        )

    def _pairing(self) -> Pairing:
        closing = Closing(
            self.name,
            self._task,
            teacher=self.teacher,
            price=self._price,
            comparer=self._comparer,
            safety=self._safety,
            budget=self._budget,
            selfcheck=SelfCheck(self._rechecker, rate=self._task.shadow.selfcheck_rate, clock=self._clock),
            clock=self._clock,
        )
        return Pairing(
            self.name,
            self._task,
            store=self._store,
            closing=closing,
            safety=self._safety,
            budget=self._budget,
            course=self._course,
            clock=self._clock,
            owner=self._owner,
        )

    def _build_comparer(self) -> AnswerComparer:
        task = self._task
        unknown = task.comparer == "text" and task.agreement.least_similarity is None
        return comparers.build(
            task,
            self._settings.upstreams,
            path=f"tasks.{self.name}.agreement",
            embedder=self._embedders[task.agreement.embedder or task.drift.embedder],
            teacher_pairs=asyncio.run(self._answered_twice()) if unknown else (),
            root=Path(self._settings.root),
        )

    async def _answered_twice(self) -> list[tuple[str, str]]:
        """What the teacher has answered twice, before there is a loop to read it in."""
        await self._store.start()
        try:
            rechecks = await self._store.rechecks(self.name)
            pairs = await self._store.pairs(self.name, limit=_PAIRS)
        finally:
            await self._store.aclose()
        return self_agreement.teacher_pairs(rechecks, pairs)

    def _teacher_check(self) -> Sequence[Steps]:
        task = self._task
        check = task.teacher_check
        if check is None:
            return ()
        prompts = read_prompts(Path(self._settings.root) / check.prompts, system=task.prompt, most=check.most)
        return [
            TeacherCheck(
                self.name,
                task,
                check,
                prompts=prompts,
                rechecker=self._rechecker,
                budget=self._budget,
                store=self._store,
                clock=self._clock,
                owner=self._owner,
            )
        ]
