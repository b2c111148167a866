from __future__ import annotations

import pytest

from adapters import report_files
from adapters.report_files import ReportFiles


@pytest.fixture
def files(tmp_path):
    """The reports of an installation in an empty folder."""
    return ReportFiles(tmp_path)


def put(files, task, *names):
    """Empty reports."""
    files.folder(task).mkdir(parents=True, exist_ok=True)
    for name in names:
        (files.folder(task) / name).touch()


@pytest.mark.parametrize("task", ["intent", "a/b", "..", ".", "../../etc", ".hidden", "ä ö", "a\0b", "%2E"])
def test_every_task_has_a_folder_directly_below_the_reports(files, tmp_path, task):
    """Whatever it is called: no name leads out of the reports, or into those of another task."""
    assert files.folder(task).resolve().parent == (tmp_path / "var/reports").resolve()
    assert "\0" not in str(files.folder(task))


def test_tasks_do_not_share_a_folder(files):
    """Also where their names look alike when they are quoted."""
    names = ["a/b", "a%2Fb", "..", "%2E.", "%2E%2E", ".", "%2E"]
    assert len({files.folder(name) for name in names}) == len(names)


@pytest.mark.parametrize(
    "name",
    ["", "x.html", "../2026-03-29.html", "2026-03-29.html/..", "2026-03-29", "2026-03-29.HTML", "2026-03-29-é.html"],
)
def test_what_is_no_name_of_a_report_is_never_a_path(files, name):
    """A name comes from a URL."""
    put(files, "intent", "x.html")
    assert files.find("intent", name) is None
    with pytest.raises(ValueError, match="is no name of a report"):
        files.path("intent", name)


def test_a_report_is_found_by_its_name(files, tmp_path):
    """Only where there is a file, and only where it lies in the folder itself."""
    put(files, "intent", "2026-03-29.html")
    assert files.find("intent", "2026-03-29.html") == tmp_path / "var/reports/intent/2026-03-29.html"
    assert files.find("intent", "2026-03-30.html") is None
    (tmp_path / "secret").write_text("s")
    (files.folder("intent") / "2026-03-31.html").symlink_to(tmp_path / "secret")
    assert files.find("intent", "2026-03-31.html") is None


def test_the_newest_30_are_kept(files):
    """And nothing of a report that was broken off; what else lies there stays."""
    days = [f"2026-03-{day:02d}.html" for day in range(1, 32)]
    put(files, "intent", *days, "2026-02-01-signal-1.html", "2026-03-05.html.part", "notes.txt")
    files.prune("intent")
    assert files.names("intent") == days[:0:-1]
    assert sorted(path.suffix for path in files.folder("intent").iterdir() if path.suffix != ".html") == [".txt"]


def test_a_task_without_reports_has_none(files):
    """Nothing to list, nothing to prune, and no folder is made."""
    files.prune("intent")
    assert (files.names("intent"), files.folder("intent").exists()) == ([], False)


@pytest.mark.parametrize("signal_id", ["signal-0123abcd", "Signal/../1", "x" * 300])
def test_names_are_names(files, signal_id):
    """Whatever the id of a signal is."""
    for name in (report_files.daily("2026-03-29"), report_files.alarm("2026-03-29", signal_id)):
        assert files.path("intent", name).name == name
