from __future__ import annotations

import math

import pytest

from domain import config
from domain.errors import PreceptorError
from domain.records import PairState, Reading
from domain.store import WorkBatch
from monitors import report
from monitors.watch import Watch
from tests.unit.monitors.samples import (
    DEPLOYED_AT,
    NOVEL,
    ORDINARY,
    TASK,
    UNCHECKED,
    deploy,
    deployment,
    exchanges,
    paired,
    settings,
)
from tests.unit.monitors.test_app import DOCUMENT


def configuration(tmp_path):
    """A configuration whose store is the one of the fixture."""
    return config.parse(DOCUMENT, environ={}, root=tmp_path)


async def fill(store, embedder, clock) -> None:
    """Two deployments: new inputs while v1 served, ordinary ones while v2 did; pairs and readings of both."""
    watch = Watch(TASK, settings(), store=store, embedder=embedder, safety=UNCHECKED, clock=clock, owner="w")
    await deploy(store)
    await store.append(exchanges(ORDINARY[:40] + NOVEL, draw=0.99))
    while await watch.step():
        pass
    await deploy(store, model="v2", at=DEPLOYED_AT + 200)
    await store.append(exchanges(ORDINARY[:30], start=300, draw=0.99, model="v2"))
    while await watch.step():
        pass
    pairs = [paired(number, agreed=number % 4 > 0) for number in range(40)]
    pairs += [paired(number, agreed=True, model="v2") for number in range(300, 330)]
    readings = [
        Reading(
            task=TASK, detector="agreement", model="v1", at=pair.opened_at, samples=number, score=0.9,
            evidence=number / 60, alarm=number == 60,
        )
        for number, pair in enumerate(pairs)
    ]  # fmt: skip
    await store.commit(WorkBatch(owner="w", at=DEPLOYED_AT, opened=pairs, readings=readings))


async def test_it_gathers_each_deployment_with_its_own_inputs(store, embedder, clock, tmp_path):
    """Novelty is compared with the reference that was in force, never with that of another student."""
    await fill(store, embedder, clock)
    found = await report.gather(configuration(tmp_path), TASK, after=0.0)
    assert [(period.deployment.model, len(period.novelty)) for period in found.periods] == [("v1", 76), ("v2", 30)]
    assert {pair.state for pair in found.pairs} == {PairState.PAIRED}
    assert (len(found.pairs), {reading.detector for reading in found.readings}) == (70, {"agreement", "novelty"})


async def test_after_leaves_out_what_came_before(store, embedder, clock, tmp_path):
    """Only inputs, pairs and readings from then on."""
    await fill(store, embedder, clock)
    found = await report.gather(configuration(tmp_path), TASK, after=DEPLOYED_AT + 250)
    assert [(period.deployment.model, len(period.novelty)) for period in found.periods] == [("v2", 30)]
    assert len(found.pairs) == 30


async def test_nothing_to_report_is_said(store, tmp_path):
    """No deployment, then a deployment without traffic: each its own line."""
    with pytest.raises(PreceptorError, match="no deployment with a reference yet"):
        await report.gather(configuration(tmp_path), TASK, after=0.0)
    await deploy(store)
    with pytest.raises(PreceptorError, match="no watched exchanges yet"):
        await report.gather(configuration(tmp_path), TASK, after=0.0)


def test_a_deployment_ends_where_the_next_begins():
    """Also where the next has no reference, and so no place in the report."""
    history = [deployment("r1", at=10.0), deployment("", at=20.0), deployment("r3", at=30.0)]
    assert [(one.reference_id, end) for one, end in report.spans(history)] == [("r1", 20.0), ("r3", math.inf)]


@pytest.mark.slow
async def test_the_file_shows_detectors_agreement_and_novelty(store, embedder, clock, tmp_path):
    """One HTML file with our metrics in it, their plots and their tests."""
    await fill(store, embedder, clock)
    out = tmp_path / "reports" / "drift.html"
    report.write(await report.gather(configuration(tmp_path), TASK, after=0.0), out)
    text = out.read_text(encoding="utf-8")
    for expected in (
        "Novelty of inputs while v1 served",
        "Novelty of inputs while v2 served",
        "Evidence of the novelty detector",
        "Evidence of the agreement detector",
        "Agreement of student and teacher",
    ):
        assert expected in text
    assert not any(words in text for words in NOVEL)  # a report holds no inputs


def test_the_command_ends_with_2_and_one_line(tmp_path, capsys):
    """A missing configuration is one line on stderr."""
    code = report.main(["--config", str(tmp_path / "none.yaml"), "--task", TASK, "--out", str(tmp_path / "o.html")])
    assert code == 2
    assert capsys.readouterr().err.count("\n") == 1
