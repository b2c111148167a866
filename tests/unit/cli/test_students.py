from __future__ import annotations

import json

import pytest


@pytest.fixture
def examples(run, installation):
    """A file of 600 answered examples."""
    inputs, out = installation.root / "inputs.txt", installation.root / "examples.jsonl"
    inputs.write_text("\n".join(row.text for row in installation.rows[:600]))
    assert run("dataset", "generate", inputs, "-c", installation.config, "--out", out)[0] == 0
    return out


@pytest.mark.slow
def test_from_examples_to_a_promotion_and_back(run, installation, examples):
    """train, evaluate, reference build, promote and rollback must work one after the other as their help says."""
    at = ["-c", installation.config]
    assert run("train", "tickets-v1", examples, *at)[0] == 0
    code, out, _ = run("evaluate", "tickets-v1", examples, *at, "--json")
    assert code == 0
    assert json.loads(out)["agreement"]["estimate"] > 0.8
    code, reference, _ = run("reference", "build", "--inputs", installation.root / "inputs.txt", *at)
    assert code == 0
    code, out, _ = run("promote", "tickets-v1", examples, "--reference", reference.strip(), "--by", "ana", *at)
    assert code == 0
    assert "tickets-v1 serves tickets" in out
    assert run("train", "tickets-v2", examples, *at)[0] == 0
    code, out, _ = run("promote", "tickets-v2", examples, "--reference", reference.strip(), "--canary", "0.1", *at)
    assert code == 0
    assert "tickets-v2 answers 10% of the users of tickets" in out
    code, out, _ = run("rollback", *at)
    assert code == 0
    assert "challenger tickets-v2 taken back" in out
    assert run("promote", "tickets-v2", examples, "--reference", reference.strip(), *at)[0] == 0
    code, out, _ = run("rollback", "--reason", "felt wrong", *at)
    assert code == 0
    assert "tickets-v1 serves tickets: rollback from tickets-v2" in out


@pytest.mark.slow
def test_mistakes_are_refused(run, installation, examples):
    """A student is never overwritten, and what is missing is named."""
    at = ["-c", installation.config]
    assert run("train", "tickets-v1", examples, *at)[0] == 0
    for arguments, problem in (
        (["train", "tickets-v1", examples], "choose another name"),
        (["evaluate", "tickets-v9", examples], "no student"),
        (["promote", "tickets-v1", examples, "--reference", "abc"], "preceptor reference build"),
        (["reference", "build"], "at least 100 inputs"),
        (["rollback"], "no earlier deployment"),
        (["train", "tickets-v2", installation.root / "missing.jsonl"], "cannot read"),
    ):
        code, _, err = run(*arguments, *at)
        assert code == 2, arguments
        assert problem in err
        assert "Traceback" not in err
