from __future__ import annotations

import subprocess
import sys

import pytest
import yaml

from monitors import report
from tests.unit.monitors.report_samples import fill
from tests.unit.monitors.samples import TASK, deploy
from tests.unit.monitors.test_app import DOCUMENT


@pytest.fixture
def arguments(tmp_path):
    """Of a report on the store of the fixture."""
    path = tmp_path / "preceptor.yaml"
    path.write_text(yaml.safe_dump(DOCUMENT))
    return ["--config", str(path), "--task", TASK, "--out", str(tmp_path / "out.html")]


def test_what_cannot_be_done_ends_with_2_and_one_line(tmp_path, capsys):
    """A missing configuration is one line on stderr."""
    code = report.main(["--config", str(tmp_path / "none.yaml"), "--task", TASK, "--out", str(tmp_path / "o.html")])
    assert code == 2
    assert capsys.readouterr().err.count("\n") == 1


def run(*arguments):
    """The process itself: its code and the last of its lines."""
    done = subprocess.run([sys.executable, "-m", "monitors.report", *arguments], capture_output=True, text=True)
    return done.returncode, done.stderr.strip().splitlines()[-1:]


@pytest.mark.slow
async def test_nothing_to_report_is_no_failure(store, arguments):
    """It has an exit code of its own, so that nobody tries again in vain."""
    await deploy(store)
    code, said = run(*arguments)
    assert (code, said) == (3, ["task intent has no watched exchanges yet: send traffic, and check the monitors"])
    assert run(*arguments, "--signal", "x")[0] == 2


@pytest.mark.slow
async def test_a_report_is_written_by_a_process_of_its_own(store, embedder, arguments, tmp_path):
    """From the command line alone: of a day, with its workspace."""
    await fill(store, embedder)
    code, said = run(*arguments, "--day", "2023-11-14", "--workspace", str(tmp_path / "evidently"))
    assert (code, said) == (0, [])
    assert "What the inputs of 2023-11-14 were about" in (tmp_path / "out.html").read_text(encoding="utf-8")
    assert list((tmp_path / "evidently").iterdir())
