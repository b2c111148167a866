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
        self._settings = settings
        self._store = store
        self._clock = clock
        task, root = settings.tasks[name], Path(settings.root)
        price = task.teacher.priced(path=f"tasks.{name}.teacher")
        sdk = client(settings.upstreams[task.teacher.upstream], timeout_s=task.shadow.timeout_s, root=root)
        self.teacher = Teacher(task.teacher, sdk, shadow=task.shadow)
        self._comparer = self._build_comparer(embedders)
        self._rechecker = Rechecker(
            name, task.teacher.model, teacher=self.teacher, price=price, comparer=self._comparer
        )
        safety = Safety(policies.build(settings, name, clock=clock))
        budget, course = Budget(name, task, price=price, store=store, clock=clock), Course(task)
        closing = Closing(
            name,
            task,
            teacher=self.teacher,
            price=price,
            comparer=self._comparer,
            safety=safety,
            budget=budget,
            selfcheck=SelfCheck(self._rechecker, rate=task.shadow.selfcheck_rate, clock=clock),
            clock=clock,
        )
        watch = Watch(
            name,
            task,
            store=store,
            embedder=embedders[task.drift.embedder],
            safety=safety,
            budget=budget,
            course=course,
            clock=clock,
            owner=owner,
        )
        pairing = Pairing(
            name,
            task,
            store=store,
            closing=closing,
            safety=safety,
            budget=budget,
            course=course,
            clock=clock,
            owner=owner,
        )
        self.loops: Sequence[Steps] = [watch, pairing, *self._teacher_check(owner, budget)]

    async def aclose(self) -> None:
        """Close connections."""
        await self.teacher.aclose()
        await self._comparer.aclose()

    def _build_comparer(self, embedders: Mapping[str, Embedder]) -> AnswerComparer:
        task = self._settings.tasks[self.name]
        unknown = task.comparer == "text" and task.agreement.least_similarity is None
        return comparers.build(
            task,
            self._settings.upstreams,
            path=f"tasks.{self.name}.agreement",
            embedder=embedders[task.agreement.embedder or task.drift.embedder],
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

    def _teacher_check(self, owner: str, budget: Budget) -> Sequence[Steps]:
        task = self._settings.tasks[self.name]
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
                budget=budget,
                store=self._store,
                clock=self._clock,
                owner=owner,
            )
        ]
