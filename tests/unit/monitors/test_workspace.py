from __future__ import annotations

import warnings

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def snapshot():
    """A report of one metric."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Evidently and its dependencies warn about each other
        import pandas as pd
        from evidently import DataDefinition, Dataset, Report

        from monitors.evidently.evidence import DetectorEvidence

        data = Dataset.from_pandas(pd.DataFrame({"x": [1.0]}), DataDefinition(numerical_columns=["x"]))
        yield lambda: Report([DetectorEvidence(detector="d", times=[0.0], evidences=[0.4])]).run(data, None)


def test_reports_of_a_task_are_one_project(snapshot, tmp_path):
    """With panels over time, whatever the tasks are called; a second report joins the first."""
    from evidently.ui.workspace import Workspace

    from monitors.workspace import keep

    for task in ("intent", "intent", "intent-2", "a/../b"):
        keep(snapshot(), tmp_path / "evidently", task=task, name="2026-03-29")
    workspace = Workspace(str(tmp_path / "evidently"))
    projects = {project.name: project for project in workspace.list_projects()}
    assert sorted(projects) == ["a/../b", "intent", "intent-2"]
    assert [len(workspace.list_runs(projects[name].id)) for name in sorted(projects)] == [1, 2, 1]
    titles = [panel.title for panel in projects["intent"].dashboard.model().panels]
    assert len(titles) == 5
    assert "Agreement of student and teacher" in titles
    assert {path.parent.name for path in tmp_path.rglob("*") if path.is_file()} >= {"snapshots"}
    assert not list(tmp_path.rglob("*.parquet"))  # no rows


def test_the_newest_30_are_kept(snapshot, tmp_path, monkeypatch):
    """A workspace does not grow without an end."""
    from evidently.ui.workspace import Workspace

    from monitors import workspace as ours

    monkeypatch.setattr(ours, "KEPT", 3)
    kept = []
    for number in range(5):
        ours.keep(snapshot(), tmp_path, task="intent", name=str(number))
        opened = Workspace(str(tmp_path))
        (project,) = opened.list_projects()
        kept.append({str(run) for run in opened.list_runs(project.id)})
    assert [len(runs) for runs in kept] == [1, 2, 3, 3, 3]
    assert not kept[4] & kept[0]
