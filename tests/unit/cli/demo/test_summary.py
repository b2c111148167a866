from __future__ import annotations

import io

from rich.console import Console

from cli.demo.phases import Costs, Phase
from cli.demo.summary import print_json, print_table

PHASE = Phase(
    phase="before", requests=600, pairs=200, agreement=0.975, interval=(0.943, 0.989), student_share=1.0, model="t-v1",
    drift_evidence=0.2, agreement_evidence=0.1, alarms=(), costs=Costs(0.004, 0.0, 0.04, 0.044, 0.05, "a list"),
)  # fmt: skip


def test_the_table_shows_agreement_with_its_interval_and_both_costs():
    """Serving and shadow must be told apart: the demo's shadow is not a live one."""
    out = io.StringIO()
    print_table(Console(file=out, width=130), [PHASE])
    text = out.getvalue()
    for part in ("before", "t-v1", "0.975 [0.943, 0.989]", "100.0%", "$0.0040", "$0.0400", "$0.0500", "a list", "33%"):
        assert part in text


def test_a_phase_without_pairs_says_so():
    """No agreement may be shown where there was nothing to compare."""
    import msgspec

    out = io.StringIO()
    print_table(Console(file=out, width=130), [msgspec.structs.replace(PHASE, agreement=None, interval=None, pairs=0)])
    assert "no pairs" in out.getvalue()


def test_json_is_one_line(capsys):
    """A script must be able to read standard output line by line."""
    print_json(PHASE)
    out = capsys.readouterr().out
    assert out.endswith("\n")
    assert out.count("\n") == 1
