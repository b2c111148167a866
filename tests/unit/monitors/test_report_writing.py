from __future__ import annotations

import json

import pytest

from domain import config
from monitors import report_writing
from monitors.report_material import Wanted, gather
from tests.unit.monitors.report_samples import fill
from tests.unit.monitors.samples import DEPLOYED_AT, NOVEL, ORDINARY, TASK, paired
from tests.unit.monitors.test_app import DOCUMENT


@pytest.fixture
async def material(store, embedder, tmp_path):
    """What a report of everything shows."""
    await fill(store, embedder)
    settings = config.parse(DOCUMENT, environ={}, root=tmp_path)
    return await gather(store, settings, Wanted(TASK), now=DEPLOYED_AT + 10_000)


@pytest.mark.slow
async def test_the_file_shows_the_conclusion_and_every_metric(material, tmp_path):
    """One HTML file; the numbers, and no text of a user, are kept in the workspace."""
    out = tmp_path / "reports" / "drift.html"
    report_writing.write(material, out, workspace=tmp_path / "evidently")
    text = out.read_text(encoding="utf-8")
    for expected in (
        "<title>intent: drift and agreement</title>",
        "agreement open (1.000",
        "Novelty of inputs while v1 served",
        "Novelty of inputs while v2 served",
        "Evidence of the agreement detector",
        "Agreement of student and teacher",
        "share of each cluster",
    ):
        assert expected in text
    assert [path.name for path in out.parent.iterdir()] == ["drift.html"]
    kept = "".join(path.read_text() for path in (tmp_path / "evidently").rglob("*.json"))
    assert "NoveltyPValue" in kept
    assert not any(words in kept for words in (*NOVEL, *ORDINARY))


def test_the_evidence_of_each_detector_is_a_curve(material):
    """In the order of time."""
    curve = report_writing.curves(material)["agreement"]
    assert len(curve["times"]) == len(curve["evidences"]) == 70
    assert curve["times"] == sorted(curve["times"])


@pytest.mark.parametrize(("pairs", "points"), [(0, 0), (1, 1), (19, 1), (20, 1), (40, 21), (4000, 200)])
def test_the_agreement_curve_has_few_points(pairs, points):
    """From the 20th pair on, or from what there is; at most 200 or so however many there are."""
    curve = report_writing.agreement_curve([paired(number, agreed=number % 2 > 0) for number in range(pairs)])
    assert {len(values) for values in curve.values()} == {points}


def test_the_agreement_curve_does_not_mix_students():
    """After a promotion it starts afresh."""
    rows = [paired(number, agreed=False, model="v1") for number in range(30)]
    rows += [paired(number, agreed=True, model="v2") for number in range(30, 60)]
    curve = report_writing.agreement_curve(rows)
    assert set(curve["estimates"]) == {0.0, 1.0}
    assert json.dumps(curve)
