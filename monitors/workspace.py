"""Keeps the numbers of reports in an Evidently workspace, so that they can be seen over time.  Never rows or texts.

Imported only by the process that makes a report.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from evidently.core.report import Snapshot
from evidently.sdk.models import PanelMetric
from evidently.sdk.panels import line_plot_panel
from evidently.ui.workspace import Project, Workspace

KEPT = 30  # reports of a task
_PANELS = {
    "Novelty of inputs": ("NoveltyPValue", "p-value"),
    "Agreement of student and teacher": ("StudentAgreement", "agreement"),
    "Evidence of the detectors: an alarm at 1": ("DetectorEvidence", "largest evidence"),
    "Clusters that are at least twice as large": ("ClusterShares", "clusters"),
    "Slices that agree less than the rest": ("SliceAgreements", "slices"),
}


def keep(snapshot: Snapshot, folder: Path, *, task: str, name: str) -> None:
    """Add a report to the project of its task; the newest 30 stay.  `snapshot` must hold no texts of users."""
    folder.mkdir(parents=True, exist_ok=True)
    workspace = Workspace.create(str(folder))
    project = next((each for each in workspace.search_project(task) if each.name == task), None)
    if project is None:
        project = _new(workspace, task)
    workspace.add_run(project.id, snapshot, include_data=False, name=name)
    for old in _oldest(workspace.list_runs(project.id)):
        workspace.delete_run(project.id, old)


def _new(workspace: Workspace, task: str) -> Project:
    project: Project = workspace.create_project(task, description="Reports of Preceptor on this task")
    for title, (metric, legend) in _PANELS.items():
        project.dashboard.add_panel(line_plot_panel(title, [PanelMetric(metric=metric, legend=legend)], size="half"))
    project.save()
    return project


def _oldest(runs: Iterable[Any]) -> list[Any]:
    """Those beyond the newest 30: their ids begin with the time at which they were made."""
    return sorted(runs, key=str)[:-KEPT]
