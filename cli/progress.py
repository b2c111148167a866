"""Progress bars on standard error, so that standard output stays for results."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

_PLAIN_WIDTH = 130  # of a file or a pipe, where rich would assume 80 columns


def wide(console: Console) -> Console:
    """The console, with room for a table when it is not a terminal."""
    if not console.is_terminal:
        console.width = _PLAIN_WIDTH
    return console


STDERR = wide(Console(stderr=True))


@contextlib.contextmanager
def bar(title: str, total: int | None = None) -> Iterator[Callable[..., None]]:
    """A progress bar; call what it yields with (done, total) and, where it costs, the dollars so far."""
    columns = (
        TextColumn("{task.description:<34}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=STDERR) as progress:
        task = progress.add_task(title, total=total, note="")

        def show(done: int, total: int | None = total, usd: float | None = None) -> None:
            note = "" if usd is None else f"${usd:.4f}"
            progress.update(task, completed=done, total=total, note=note)

        yield show
