"""`GET /reports`: the saved reports of the monitors, behind the console's login.

A report holds scripts of Evidently and, redacted, words of users.  It is served so that it can draw its figures, and
neither load anything, nor send anything, nor act as the operator who looks at it.
"""

from __future__ import annotations

import urllib.parse
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse, HTMLResponse, Response

from adapters.report_files import ReportFiles

if TYPE_CHECKING:
    from console.reload import Current

_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_INLINE = "script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:"
_COMMON = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer", "cache-control": "no-store"}
# In a sandbox a page has an origin of its own: it cannot read the console's API with the operator's login.
_REPORT = _COMMON | {"content-security-policy": f"{_NOTHING}; {_INLINE}; sandbox allow-scripts"}
_LIST = _COMMON | {"content-security-policy": f"{_NOTHING}; style-src 'unsafe-inline'"}
_STYLE = "body{font:15px/1.6 system-ui,sans-serif;max-width:720px;margin:32px auto;padding:0 24px}h2{font-size:17px}"


def reports_routes(current: Current) -> APIRouter:
    """The routes, to be protected by the login."""
    router = APIRouter()

    @router.get("/reports", response_class=HTMLResponse)
    def listed() -> Response:
        """The reports of each configured task, the newest first."""
        files = ReportFiles(Path(current.settings.root))
        tasks = sorted(current.settings.tasks)
        return HTMLResponse(_page({task: files.names(task) for task in tasks}), headers=_LIST)

    @router.get("/reports/{task}/{name}", response_class=HTMLResponse)
    def report(task: str, name: str) -> Response:
        """One report, as it was saved."""
        known = task in current.settings.tasks
        found = ReportFiles(Path(current.settings.root)).find(task, name) if known else None
        if found is None:
            raise HTTPException(404, "no such report; GET /reports lists those there are")
        return FileResponse(found, media_type="text/html; charset=utf-8", headers=_REPORT)

    return router


def _page(reports: dict[str, list[str]]) -> str:
    sections = "".join(_section(task, names) for task, names in reports.items())
    head = f"<meta charset='utf-8'><title>Reports</title><style>{_STYLE}</style>"
    return f"<!doctype html><html lang='en'><head>{head}</head><body><h1>Reports</h1>{sections}</body></html>"


def _section(task: str, names: list[str]) -> str:
    if not names:
        return f"<h2>{escape(task)}</h2><p>None yet: the first is made after midnight, or with the first signal.</p>"
    quoted = urllib.parse.quote(task, safe="")
    rows = "".join(
        f"<li><a href='/reports/{escape(quoted)}/{escape(name)}'>{escape(name.removesuffix('.html'))}</a></li>"
        for name in names
    )
    return f"<h2>{escape(task)}</h2><ul>{rows}</ul>"
