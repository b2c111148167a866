from __future__ import annotations

import json
import subprocess
import sys

import pytest


def demo(out, *arguments):
    """Run `preceptor demo` with the real embedder; returns (exit code, phases, what it told)."""
    command = [sys.executable, "-m", "cli", "demo", "--out", str(out), "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_drift_is_noticed_signalled_and_repaired(tmp_path):
    """On real processes: silence before, the signal in the drift phase, and agreement back after retraining."""
    code, phases, told = demo(tmp_path / "out", "--requests", "300", "--examples", "900")
    assert code == 0, told
    before, drift, after = phases
    assert before["alarms"] == []
    assert "retrain" in [alarm["kind"] for alarm in drift["alarms"]]
    assert drift["agreement"] < before["agreement"] - 0.1
    assert after["agreement"] > drift["agreement"] + 0.1
    assert after["model"] != before["model"]
    assert "delivered, signature right" in told
    assert (tmp_path / "out" / "report.html").stat().st_size > 100_000


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_control_run_stays_silent(tmp_path):
    """Without a shift nothing may alarm, and no student may be replaced."""
    code, phases, told = demo(tmp_path / "out", "--requests", "200", "--examples", "900", "--shift", "0")
    assert code == 0, told
    assert [phase["alarms"] for phase in phases] == [[], [], []]
    assert len({phase["model"] for phase in phases}) == 1
