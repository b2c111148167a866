from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from cli.demo.command import _exit_code
from cli.demo.phases import Alarm
from cli.demo.plan import Options

WARNING = Alarm("w", "warning", "novelty", 40, 640, 1.1)
RETRAIN = Alarm("r", "retrain", "agreement", 90, 300, 1.2)


@pytest.mark.parametrize(
    ("shift", "before", "drift", "hooked", "code"),
    [
        (None, (), (WARNING, RETRAIN), {"r"}, 0),
        (None, (), (RETRAIN,), {"r"}, 0),
        (None, (), (WARNING,), set(), 1),  # a warning is no signal
        (None, (), (), set(), 1),
        (None, (WARNING,), (RETRAIN,), {"r"}, 1),  # something alarmed too early
        (None, (RETRAIN,), (), {"r"}, 1),
        (None, (), (RETRAIN,), set(), 1),  # nobody heard of it
        (0.0, (), (), set(), 0),
        (0.0, (), (WARNING,), set(), 1),
        (0.0, (WARNING,), (), set(), 1),
        (0.3, (), (WARNING, RETRAIN), {"r"}, 0),
    ],
)
def test_exit_codes(shift, before, drift, hooked, code):
    """0 must mean: the alarm fired in the drift phase and was heard, nothing before; or control and silence."""
    story = SimpleNamespace(
        phases=[SimpleNamespace(phase="before", alarms=before), SimpleNamespace(phase="drift", alarms=drift)]
    )
    assert _exit_code(Options(out=Path("x"), shift=shift), story, hooked=hooked) == code
