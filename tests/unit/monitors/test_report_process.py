from __future__ import annotations

import subprocess
import sys

import pytest

from domain.errors import PreceptorError
from monitors.report_process import report_in_subprocess

pytestmark = pytest.mark.slow


def test_what_went_wrong_is_one_line(tmp_path):
    """The last line of the process becomes the error."""
    with pytest.raises(PreceptorError, match=r"^the report of intent failed: cannot read .*none\.yaml"):
        report_in_subprocess(tmp_path / "none.yaml", "intent", tmp_path / "out.html")


def test_a_report_that_takes_too_long_is_stopped(tmp_path):
    """The time limit holds for the whole process."""
    with pytest.raises(PreceptorError, match=r"took longer than 0\.01 s and was stopped"):
        report_in_subprocess(tmp_path / "none.yaml", "intent", tmp_path / "out.html", timeout_s=0.01)


def test_starting_it_needs_none_of_its_libraries():
    """The process that asks for a report does not pay for Evidently."""
    code = "import sys, monitors.report_process; print({'evidently', 'pandas', 'numpy', 'plotly'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
