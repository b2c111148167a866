from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["check", "-c", "missing.yaml"], "cannot read missing.yaml"),
        (["serve", "-c", "missing.yaml"], "cannot read missing.yaml"),
        (["demo", "--shift", "2"], "--shift 2.0 is no share"),
        (["demo", "--requests", "5"], "--requests 5 is too few"),
        (["demo", "--error-rate", "1"], "--error-rate 1.0 is no rate"),
        (["demo", "--dataset", "missing.csv"], "cannot read missing.csv"),
        (["fly"], "No such command"),
        (["promote"], "Missing argument"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(run, arguments, problem):
    """Whatever a user gets wrong must be said without a traceback."""
    code, _, err = run(*arguments)
    assert code == 2
    assert problem in err
    assert "Traceback" not in err


def test_help_names_every_group(run):
    """A new user must find the commands."""
    code, out, _ = run("--help")
    assert code == 0
    for name in ("init", "check", "serve", "demo", "keys", "dataset", "train", "promote", "rollback", "report"):
        assert name in out
