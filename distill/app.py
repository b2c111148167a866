"""Composition root of the loop: what the commands call, with everything they need taken from the settings."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from distill import generate, student
from distill.answers import answer_rule, output_sha256
from distill.evaluate import Answerer, Evaluation, answerer, evaluate
from distill.examples import dataset_sha256, read_rows, write_rows
from distill.gate import DEFAULT_GATE, Gate
from distill.split import Split, Test, split
from distill.student import students_folder as students_folder
from distill.teacher import Teacher
from distill.trainers import head
from distill.validate import ValidationReport, validate
from domain.clock import Clock
from domain.comparers import comparer
from domain.errors import ConfigError, DatasetError
from domain.ports import Embedder
from domain.records import Manifest
from domain.settings import Settings, TaskSettings
from domain.store import Store


class Prepared(msgspec.Struct, frozen=True):
    """A data set that may be trained on: validated and split, with what was left out."""

    split: Split
    report: ValidationReport
    problems: tuple[str, ...]  # lines that could not be read: file, line, reason
    sha256: str


class Trained(msgspec.Struct, frozen=True):
    """A new student and the data set it came from; its test rows are unseen."""

    manifest: Manifest
    folder: Path
    data: Prepared


async def generate_examples(
    settings: Settings,
    task: str,
    texts: Iterable[str],
    out: Path,
    *,
    max_usd: float = math.inf,
    concurrency: int = 8,
    progress: generate.Progress | None = None,
) -> generate.GenerateReport:
    """Ask the task's teacher about every text that `out` does not answer yet; see `distill.generate.generate`."""
    teacher = build_teacher(settings, task)
    try:
        return await generate.generate(teacher, texts, out, max_usd=max_usd, concurrency=concurrency, progress=progress)
    finally:
        await teacher.aclose()


async def examples_from_pairs(
    settings: Settings, task: str, store: Store, out: Path, *, after: float = 0.0, limit: int = 10_000
) -> int:
    """Write the newest shadow pairs opened at or after `after` as rows to `out`; returns how many.

    Raises:
        DatasetError: the file cannot be written.
        StoreError: the pairs cannot be read.
    """
    pairs = await store.pairs(task, after=after, limit=limit)
    watched = await store.exchanges_by_id([pair.exchange_id for pair in pairs])
    prompt = task_settings(settings, task).prompt
    rows = generate.rows_from_pairs(pairs, [item.exchange for item in watched], prompt=prompt)
    write_rows(out, rows)
    return len(rows)


def prepare_dataset(settings: Settings, task: str, files: Sequence[Path], *, seed: int = 0) -> Prepared:
    """Read, validate and split the rows of one or more files.

    Raises:
        DatasetError: a file cannot be read, or nothing in them can be learned from.
    """
    read = {file: read_rows(file) for file in files}
    rule = answer_rule(task_settings(settings, task).output, root=Path(settings.root), path=f"tasks.{task}.output")
    validated = validate([row for found in read.values() for row in found.rows], rule, seed=seed)
    problems = tuple(
        f"{file}:{problem.line}: {problem.reason}" for file, found in read.items() for problem in found.problems
    )
    if not validated.examples:
        names = ", ".join(str(file) for file in files)
        raise DatasetError(
            f"{names}: none of {validated.report.rows} rows can be used, {len(problems)} lines unreadable "
            f"({validated.report.dropped or 'empty'}); generate examples first"
        )
    return Prepared(split(validated.examples), validated.report, problems, dataset_sha256(validated.examples))


def train_student(
    settings: Settings,
    task: str,
    files: Sequence[Path],
    model: str,
    *,
    embedder: Embedder,
    clock: Clock,
    progress: head.Progress | None = None,
) -> Trained:
    """Train the task's student on files of examples and put it where the student server looks.  CPU-bound.

    Raises:
        ConfigError: the task has no labels, or no folder of students is configured.
        DatasetError: the examples are not enough.
        ModelError: there is a student of that name, or it cannot be written.
    """
    chosen = task_settings(settings, task)
    if not chosen.output.labels:
        raise ConfigError(f"tasks.{task}.output", "the `head` trainer needs labels; give `labels: [...]`")
    root = students_folder(settings)
    student.require_new(root, model)
    data = prepare_dataset(settings, task, files)
    trained = head.train(data.split.train, data.split.validation, embedder=embedder, progress=progress)
    manifest = _manifest(settings, task, model, data, trained, embedder=embedder, clock=clock)
    sealed = student.save(root, manifest, trained)
    return Trained(sealed, student.student_folder(root, model), data)


def _manifest(
    settings: Settings,
    task: str,
    model: str,
    data: Prepared,
    trained: student.StudentHead,
    *,
    embedder: Embedder,
    clock: Clock,
) -> Manifest:
    chosen = settings.tasks[task]
    return Manifest(
        model=model,
        task=task,
        trainer=head.NAME,
        model_sha256="",
        prompt_sha256=hashlib.sha256(chosen.prompt.encode()).hexdigest(),
        output_sha256=output_sha256(chosen.output, root=Path(settings.root)),
        dataset_sha256=data.sha256,
        embedder=chosen.drift.embedder,
        embedder_sha256=embedder.sha256,
        labels=trained.labels,
        teacher=chosen.teacher.model,
        examples=len(data.split.train.examples),
        created_at=clock.now_s(),
    )


def evaluate_student(
    settings: Settings,
    task: str,
    model: str,
    held_out: Test,
    *,
    embedder: Embedder,
    champion: str = "",
    gate: Gate = DEFAULT_GATE,
) -> Evaluation:
    """Evaluate a stored student on held-out rows, against the stored student `champion` if one is named.  CPU-bound.

    Raises:
        ModelError: a student is missing or was trained on another embedder.
    """
    path = f"tasks.{task}.agreement.comparer"
    return evaluate(
        held_out,
        load_answerer(settings, model, embedder=embedder),
        model=model,
        comparer=comparer(task_settings(settings, task).held_out_comparer, path=path),
        champion=(champion, load_answerer(settings, champion, embedder=embedder)) if champion else None,
        gate=gate,
    )


def load_answerer(settings: Settings, model: str, *, embedder: Embedder) -> Answerer:
    """A stored student as a function of texts.

    Raises:
        ModelError: it is missing or damaged, or was trained on another embedder.
    """
    manifest, layer = student.load(student.student_folder(students_folder(settings), model))
    return answerer(student.HeadStudent(manifest, layer, embedder))


def build_teacher(settings: Settings, task: str) -> Teacher:
    """The task's teacher; the caller closes it."""
    chosen = task_settings(settings, task)
    upstream = settings.upstreams[chosen.teacher.upstream]
    return Teacher(
        base_url=upstream.base_url,
        api_key=upstream.api_key,
        model=chosen.teacher.model,
        prompt=chosen.prompt,
        price=chosen.teacher.priced(path=f"tasks.{task}.teacher"),
        timeout_s=upstream.timeout_s,
        ca_file=Path(settings.root) / upstream.ca_file if upstream.ca_file else None,
    )


def task_settings(settings: Settings, task: str) -> TaskSettings:
    """The settings of a task.

    Raises:
        ConfigError: there is no such task.
    """
    try:
        return settings.tasks[task]
    except KeyError:
        raise ConfigError("tasks", f"unknown task {task!r}; known are {', '.join(sorted(settings.tasks))}") from None
