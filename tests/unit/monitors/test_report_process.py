from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from domain.errors import PreceptorError
from monitors.report_process import Outcome, ReportJob, make_report, report_in_subprocess


def stand_in(monkeypatch, code):
    """Run this Python instead of a report."""
    monkeypatch.setattr(ReportJob, "command", lambda self, path: [sys.executable, "-c", code])


JOB = ReportJob("intent", Path("out.html"))
HANGS = """
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path(r"{pids}").write_text(f"{child.pid}")
time.sleep(600)
"""


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("", Outcome.WRITTEN),
        ("raise SystemExit(3)", Outcome.NOTHING),
        ("raise SystemExit(2)", Outcome.FAILED),
        ("raise ValueError('a word of a user')", Outcome.FAILED),
        ("import os; os.kill(os.getpid(), 9)", Outcome.FAILED),
    ],
)
async def test_how_a_report_ends_is_told_and_never_raised(monkeypatch, caplog, code, outcome):
    """Whatever the process does, its caller goes on; what it wrote stays out of the log."""
    stand_in(monkeypatch, code)
    assert await make_report(Path("c.yaml"), JOB) is outcome
    assert "a word of a user" not in caplog.text
    assert ("report_failed task=intent report=out.html" in caplog.text) == (outcome is Outcome.FAILED)


def gone(pid):
    """Whether a process has ended (or waits for somebody to collect it)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] in "ZX"
    except FileNotFoundError:
        return True


async def ended(pid):
    """Wait until a process that was killed is gone."""
    for _ in range(1000):
        if gone(pid):
            return True
        await asyncio.sleep(0.005)
    return False


@pytest.mark.slow
async def test_a_report_that_hangs_is_stopped_with_all_it_started(monkeypatch, caplog, tmp_path):
    """The time limit holds for the whole group of processes."""
    pids = tmp_path / "pids"
    stand_in(monkeypatch, HANGS.replace("{pids}", str(pids)))
    assert await make_report(Path("c.yaml"), JOB, limit_s=2.0) is Outcome.TIMEOUT
    assert "report_stopped task=intent report=out.html after_s=2" in caplog.text
    assert await ended(int(pids.read_text()))


async def test_a_worker_that_ends_stops_its_report(monkeypatch, tmp_path):
    """A report does not outlive who asked for it."""
    pids = tmp_path / "pids"
    stand_in(monkeypatch, HANGS.replace("{pids}", str(pids)))
    task = asyncio.create_task(make_report(Path("c.yaml"), JOB))
    while not (pids.exists() and pids.read_text()):
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await ended(int(pids.read_text()))


async def test_a_report_gets_out_of_the_way(monkeypatch, tmp_path):
    """It runs after everything else, tells nobody of its use, and leaves no sample files of metrics behind."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "/nowhere")
    out = tmp_path / "said"
    code = f"import os, time; time.sleep(.2); open(r'{out}', 'w').write(repr((os.nice(0), dict(os.environ))))"
    stand_in(monkeypatch, code)
    assert await make_report(Path("c.yaml"), JOB) is Outcome.WRITTEN
    nice, environment = eval(out.read_text())
    assert nice >= min(os.nice(0), 10)
    assert nice == 10 or os.nice(0) > 10
    assert (environment["DO_NOT_TRACK"], "PROMETHEUS_MULTIPROC_DIR" in environment) == ("1", False)


@pytest.mark.parametrize(
    ("job", "tail"),
    [
        (JOB, ["--after", "0.0"]),
        (ReportJob("intent", Path("o"), day="2026-03-29"), ["--day", "2026-03-29"]),
        (ReportJob("intent", Path("o"), signal_id="s", workspace=Path("w")), ["--signal", "s", "--workspace", "w"]),
    ],
)
def test_what_is_wanted_is_told_as_arguments(job, tail):
    """A list of arguments: nothing is read by a shell."""
    command = job.command(Path("c.yaml"))
    assert command[1:5] == ["-m", "monitors.report", "--config", "c.yaml"]
    assert command[-len(tail) :] == tail


@pytest.mark.slow
def test_what_went_wrong_is_one_line(tmp_path):
    """The last line of the process becomes the error."""
    with pytest.raises(PreceptorError, match=r"^the report of intent failed: cannot read .*none\.yaml"):
        report_in_subprocess(tmp_path / "none.yaml", "intent", tmp_path / "out.html")


def test_waiting_for_a_report_has_an_end(tmp_path):
    """The time limit holds for the command, too."""
    with pytest.raises(PreceptorError, match=r"took longer than 0\.01 s and was stopped"):
        report_in_subprocess(tmp_path / "none.yaml", "intent", tmp_path / "out.html", timeout_s=0.01)


def test_a_report_that_says_nothing_still_has_an_error(monkeypatch, tmp_path):
    """An error without words is one nobody can act on."""
    stand_in(monkeypatch, "raise SystemExit(9)")
    with pytest.raises(PreceptorError, match="failed: no message"):
        report_in_subprocess(tmp_path / "c.yaml", "intent", tmp_path / "out.html")


def test_starting_it_needs_none_of_its_libraries():
    """The process that asks for a report does not pay for Evidently."""
    code = "import sys, monitors.report_process; print({'evidently', 'pandas', 'numpy', 'plotly'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
