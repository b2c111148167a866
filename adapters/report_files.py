"""Where reports lie on disk: the monitors write them, the console shows them.  The newest of each task are kept."""

from __future__ import annotations

import contextlib
import re
import urllib.parse
from pathlib import Path

FOLDER = "var/reports"  # relative to the folder of the configuration
KEPT = 30
_NAME = re.compile(r"\d{4}-\d{2}-\d{2}(-[a-z0-9_-]{1,80})?\.html")


class ReportFiles:
    """The reports of one installation; `root` is the folder of its configuration."""

    def __init__(self, root: Path) -> None:
        self._root = root / FOLDER

    def folder(self, task: str) -> Path:
        """The folder of a task, whatever its name: always one directly below the reports."""
        quoted = urllib.parse.quote(task, safe="")
        return self._root / (f"%2E{quoted[1:]}" if quoted.startswith(".") else quoted)

    def path(self, task: str, name: str) -> Path:
        """Where a report lies or will lie.

        Raises:
            ValueError: `name` is not that of a report.
        """
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a report; one is like 2026-03-29.html")
        return self.folder(task) / name

    def find(self, task: str, name: str) -> Path | None:
        """The file of a report; None where there is none, or what is there lies elsewhere (a link)."""
        try:
            path = self.path(task, name)
        except ValueError:
            return None
        return path if path.is_file() and path.resolve().parent == self.folder(task).resolve() else None

    def names(self, task: str) -> list[str]:
        """The names of a task's reports, the newest day first."""
        with contextlib.suppress(OSError):
            return sorted(
                (path.name for path in self.folder(task).iterdir() if _NAME.fullmatch(path.name)), reverse=True
            )
        return []

    def prune(self, task: str) -> None:
        """Keep the newest 30 reports of a task, and nothing of one that was broken off."""
        old = [self.path(task, name) for name in self.names(task)[KEPT:]]
        for path in (*old, *self.folder(task).glob("*.html.part")):
            with contextlib.suppress(OSError):
                path.unlink()


def daily(day: str) -> str:
    """The name of the report of a day (ISO 8601)."""
    return f"{day}.html"


def alarm(day: str, signal_id: str) -> str:
    """The name of the report of a signal that was raised on a day."""
    return f"{day}-{re.sub(r'[^a-z0-9_-]', '-', signal_id.lower())[:80]}.html"
