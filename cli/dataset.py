"""`preceptor dataset`: teacher examples as JSONL files."""

from __future__ import annotations

import asyncio
import csv
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.table import Table

from cli.options import DEFAULT, Config, Json, Task, choose_task
from cli.progress import STDERR, bar
from cli.runtime import opened_store
from domain import config
from domain.errors import DatasetError

if TYPE_CHECKING:
    from distill.app import Prepared
    from domain.settings import Settings

_group = typer.Typer(help="Teacher examples as JSONL files.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.add_typer(_group, name="dataset")


@_group.command()
def generate(
    inputs: Annotated[Path, typer.Argument(help="A text file with an input a line, or a .csv with a `text` column.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The JSONL file; what it answers already is not asked again.")
    ],
    task: Task = "",
    max_usd: Annotated[float, typer.Option(help="Stop before this much money is spent.")] = math.inf,
    concurrency: Annotated[int, typer.Option(min=1, help="Calls at once.")] = 8,
    path: Config = DEFAULT,
    as_json: Json = False,
) -> None:
    """Ask the teacher about every input in a file.  May be stopped and started again."""
    from distill.app import generate_examples

    settings = config.load(path)
    name, _ = choose_task(settings, task)
    texts = read_texts(inputs)
    with bar("asking the teacher", len(texts)) as show:
        report = asyncio.run(
            generate_examples(settings, name, texts, out, max_usd=max_usd, concurrency=concurrency, progress=show)
        )
    if as_json:
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
        return
    sys.stdout.write(
        f"{report.answered} answered, {report.reused} were there, {report.failed} failed, {report.left} left; "
        f"${report.cost_usd:.4f}; {out}\n"
    )


@_group.command(name="import")
def import_pairs(
    out: Annotated[Path, typer.Option("--out", "-o", help="The JSONL file to write.")],
    task: Task = "",
    path: Config = DEFAULT,
) -> None:
    """Write the shadow pairs of the store as examples: the teacher was asked and paid for them already."""
    from distill.app import examples_from_pairs

    settings = config.load(path)
    name, _ = choose_task(settings, task)

    async def run(settings: Settings) -> int:
        async with opened_store(settings) as store:
            return await examples_from_pairs(settings, name, store, out)

    sys.stdout.write(f"{asyncio.run(run(settings))} examples; {out}\n")


@_group.command()
def stats(
    files: Annotated[list[Path], typer.Argument(help="JSONL files of one task.")],
    task: Task = "",
    path: Config = DEFAULT,
    as_json: Json = False,
) -> None:
    """Validate and split examples as training would, and say what was left out and why."""
    from distill.app import prepare_dataset

    settings = config.load(path)
    name, _ = choose_task(settings, task)
    prepared = prepare_dataset(settings, name, files)
    if as_json:
        value = {"report": prepared.report, "problems": prepared.problems, "sha256": prepared.sha256}
        sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
        return
    STDERR.print(_table(prepared))


def read_texts(path: Path) -> list[str]:
    """The inputs in a file, blank lines left out.

    Raises:
        DatasetError: the file cannot be read, or a CSV has no `text` column.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is not UTF-8 text (byte {error.start})") from None
    if path.suffix.lower() != ".csv":
        return [line for line in text.splitlines() if line.strip()]
    reader = csv.DictReader(text.splitlines(keepends=True))
    if "text" not in (reader.fieldnames or ()):
        raise DatasetError(f"{path}:1: the header needs a column 'text'")
    return [row["text"] for row in reader if row["text"]]


def _table(prepared: Prepared) -> Table:
    report, parts = prepared.report, prepared.split
    table = Table("what", "rows", title=f"Data set {prepared.sha256[:12]}")
    table.add_row("read", str(report.rows))
    table.add_row("unreadable lines", str(len(prepared.problems)))
    for reason, count in report.dropped.items():
        table.add_row(f"dropped: {reason}", str(count))
    table.add_row("kept", str(report.kept))
    for part, rows in (("train", parts.train), ("validation", parts.validation), ("test", parts.test)):
        table.add_row(f"  {part}", str(len(rows.examples)))
    table.add_row("for review", str(len(report.review)))
    table.add_row("labels", str(len(report.labels)))
    return table
