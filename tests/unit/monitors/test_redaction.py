from __future__ import annotations

import pytest

from domain import config
from domain.errors import ConfigError
from monitors.redaction import HIDDEN, redactor
from tests.unit.monitors.samples import TASK
from tests.unit.monitors.test_app import DOCUMENT


def settings(tmp_path, **task):
    """A task with other sections."""
    document = DOCUMENT | {"tasks": {TASK: DOCUMENT["tasks"][TASK] | task}}
    return config.parse(document, environ={}, root=tmp_path)


@pytest.mark.parametrize(
    "task",
    [
        {},
        {"policies": {"input": [], "output": []}},
        {"policies": {"input": [{"pii": {"mode": "shadow", "id": "leaks"}}], "output": ["label"]}},
        {"output": {"text": {}}},
        {"output": {"text": {}}, "policies": {"input": [], "output": [], "stream": "window"}},
    ],
)
def test_personal_data_and_secrets_are_taken_out(tmp_path, task):
    """Whatever the task does about them for its clients: nothing, only a shadow, or a policy of its own."""
    redact = redactor(settings(tmp_path, **task), TASK)
    text = "ask ana.lopez@example.com about sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCD"
    assert redact(text) == "ask [email] about [openai_key]"
    assert redact("where is my parcel") == "where is my parcel"


def test_the_options_of_the_task_count(tmp_path):
    """Kinds that the task does not look for are not looked for here."""
    policies = {"input": [{"pii": {"kinds": ["phone"]}}], "output": []}
    redact = redactor(settings(tmp_path, policies=policies), TASK)
    assert redact("ana.lopez@example.com") == "ana.lopez@example.com"


def test_a_text_that_cannot_be_judged_is_hidden(tmp_path, monkeypatch):
    """A check that breaks must not let a text through."""

    def broken(*_):
        raise RuntimeError("broken")

    monkeypatch.setattr("policies.checks.pii.PiiCheck.inspect", broken)
    redact = redactor(settings(tmp_path), TASK)
    assert redact("ana.lopez@example.com") == HIDDEN


def test_bad_options_are_refused(tmp_path):
    """With the path of the key, as everywhere."""
    with pytest.raises(ConfigError, match="unknown option"):
        redactor(settings(tmp_path, policies={"input": [{"pii": {"nonsense": 1}}]}), TASK)
