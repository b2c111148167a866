"""No plug-in talks to anybody: each is loaded and used in a process whose every look-up and connection is an error."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PRELUDE = """
import socket, sys, threading
calls = []
def refuse(*args, **kwargs):
    calls.append(args)
    raise OSError("no network here")
socket.getaddrinfo = socket.gethostbyname = socket.create_connection = refuse
socket.socket.connect = socket.socket.connect_ex = socket.socket.sendto = refuse
from domain.ports import Subject
from domain.records import Stage
subject = Subject(Stage.OUTPUT, ("call 555, or ada@example.com in London",), (0,))
"""
GUARDRAILS = """
from policies.checks.guardrails import GuardrailsCheck, Options
for options in (
    Options(validator="guardrails_ai.ban_list:BanList", args={"banned_words": ["athena"]}),
    Options(validator="tests.plugins.validators:NoDigits"),
    Options(guard="tests.plugins.validators:noop"),
    Options(guard="tests.plugins.validators:reask"),
):
    check = GuardrailsCheck(options)
    for _ in range(30):
        check.inspect(subject)
from guardrails import Guard
from guardrails.utils.hub_telemetry_utils import HubTelemetry
Guard()
assert HubTelemetry()._tracer is None
"""
PRESIDIO = """
import spacy
spacy.blank("en").to_disk("model")
from policies.checks.presidio import Options, PresidioCheck
assert PresidioCheck(Options(model="model")).inspect(subject) is not None
for model in ("en_core_web_lg", "missing"):
    try:
        PresidioCheck(Options(model=model))
    except Exception as error:
        assert type(error).__name__ == "ConfigError", error
"""
END = """
assert calls == [], calls
assert [thread.name for thread in threading.enumerate()] == ["MainThread"]
"""
NLTK = """
class data:
    def find(name):
        raise LookupError(name)


def download(name):
    open("downloaded", "w").close()
"""


def run(script: str, home: Path) -> None:
    """Run it in a process whose home and working directory is `home`."""
    root = Path(__file__).parents[2]
    environ = {"HOME": str(home), "PATH": "/usr/bin:/bin", "PYTHONPATH": f"{home}:{root}"}
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=home, env=environ, capture_output=True, text=True, timeout=100
    )
    assert ended.returncode == 0, ended.stderr[-2000:]


@pytest.mark.skipif(importlib.util.find_spec("guardrails") is None, reason="make test-plugins")
def test_guardrails_calls_nobody_starts_no_thread_and_writes_no_file(tmp_path: Path) -> None:
    """Validators and Guards work without a look-up, whatever their settings say, and nltk downloads nothing."""
    (tmp_path / "nltk.py").write_text(NLTK)
    (tmp_path / ".guardrailsrc").write_text("enable_metrics=true\nuse_remote_inferencing=true\n")
    run(PRELUDE + GUARDRAILS + END, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} - {"__pycache__"} == {"nltk.py", ".guardrailsrc"}


@pytest.mark.skipif(importlib.util.find_spec("guardrails") is None, reason="make test-plugins")
def test_without_settings_none_are_written(tmp_path: Path) -> None:
    """A machine that never saw guardrails-ai stays as it is."""
    run(PRELUDE + GUARDRAILS + END, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(importlib.util.find_spec("presidio_analyzer") is None, reason="make test-plugins")
def test_presidio_downloads_neither_a_model_nor_a_list(tmp_path: Path) -> None:
    """E-mail addresses are judged by the copy of the list that is installed, and a missing model is an error."""
    run(PRELUDE + PRESIDIO + END, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
