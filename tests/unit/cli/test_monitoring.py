from __future__ import annotations

import json


def test_agreement_of_a_new_installation(run, installation):
    """Before any traffic the report must say that there is nothing yet."""
    code, out, _ = run("report", "agreement", "-c", installation.config)
    assert code == 0
    assert "no pairs yet" in out
    value = json.loads(run("report", "agreement", "-c", installation.config, "--json")[1])
    assert value == {"task": "tickets", "agreement": None, "pairs": {}, "signals": []}


def test_a_drift_report_needs_a_deployment(run, installation):
    """The error must say what to do first."""
    out = installation.root / "drift.html"
    code, _, err = run("report", "drift", "-c", installation.config, "--out", out)
    assert code == 2
    assert "preceptor promote" in err
    assert not out.exists()
