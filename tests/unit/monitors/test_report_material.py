from __future__ import annotations

import pytest

from domain import config
from domain.errors import PreceptorError
from domain.records import PairState, Signal, SignalKind
from domain.store import WorkBatch
from monitors.report_material import NothingToReportError, Wanted, gather
from tests.unit.monitors.report_samples import fill, watch
from tests.unit.monitors.samples import DEPLOYED_AT, NOVEL, ORDINARY, TASK, deploy, exchanges
from tests.unit.monitors.test_app import DOCUMENT

NOW = DEPLOYED_AT + 10_000


@pytest.fixture
def read(store, tmp_path):
    """Gather from the store of the fixture."""
    settings = config.parse(DOCUMENT, environ={}, root=tmp_path)

    async def gathered(**wanted):
        return await gather(store, settings, Wanted(**{"task": TASK} | wanted), now=NOW)

    return gathered


async def test_each_deployment_has_its_own_inputs(store, embedder, read):
    """Novelty is compared with the reference that was in force, never with that of another student."""
    await fill(store, embedder)
    found = await read()
    assert [(period.deployment.model, len(period.novelty)) for period in found.periods] == [("v1", 76), ("v2", 30)]
    assert [len(period.clusters) for period in found.periods] == [76, 30]
    assert {pair.state for pair in found.pairs} == {PairState.PAIRED}
    assert (len(found.pairs), {reading.detector for reading in found.readings}) == (70, {"agreement"})
    assert (found.title, found.mix) == ("intent: drift and agreement", None)


async def test_after_leaves_out_what_came_before(store, embedder, read):
    """Only inputs, pairs and readings from then on."""
    await fill(store, embedder)
    found = await read(after=DEPLOYED_AT + 250)
    assert [(period.deployment.model, len(period.novelty)) for period in found.periods] == [("v2", 30)]
    assert (len(found.pairs), len(found.readings)) == (30, 30)


async def test_a_day_comes_with_its_mix(store, embedder, read):
    """In the task's time zone; the pairs are those up to its end."""
    await fill(store, embedder)
    found = await read(day="2023-11-14")
    assert found.title == "intent: 2023-11-14"
    assert found.mix is not None
    assert (found.mix.inputs, len(found.pairs)) == (106, 70)
    with pytest.raises(NothingToReportError, match="no watched exchanges"):
        await read(day="2023-11-15")


async def test_a_signal_tells_of_what_led_to_it(store, embedder, read):
    """Inputs up to the signal, taken for drift because a detector said so; earlier inputs are told apart."""
    await fill(store, embedder)
    await store.append(exchanges([*ORDINARY, *NOVEL, *ORDINARY[:50]], start=400, model="v2"))
    await watch(store, embedder)
    at = DEPLOYED_AT + 400.5 + len(ORDINARY) + len(NOVEL)
    signal = Signal(
        id="signal-1", task=TASK, kind=SignalKind.WARNING, reason="drift", at=at, detector="novelty", model="v2",
        evidence=1.2, samples=200, false_alarm_budget="",
    )  # fmt: skip
    await store.commit(WorkBatch(owner="w", at=0.0, signals=[signal]))
    found = await read(signal_id="signal-1")
    assert found.title == "intent: warning (drift) of 2023-11-14 22:23 UTC"
    assert found.attribution is not None
    assert (found.attribution.drifted, found.attribution.until) == (True, at)
    assert len(found.current) == pytest.approx(len(NOVEL), abs=5)
    assert len(found.current) + len(found.earlier) == 30 + len(ORDINARY) + len(NOVEL)
    assert {row["length"] for row in found.current} <= {"to_16", "to_32", "to_64"}


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        ({"task": "other"}, "no task 'other'; configured are intent"),
        ({"day": "soon"}, "'soon' is no day"),
        ({"signal_id": "x"}, "has no signal x"),
    ],
)
async def test_what_does_not_exist_is_an_error(store, embedder, read, wanted, text):
    """Not taken for a task that has nothing to report yet."""
    await fill(store, embedder)
    with pytest.raises(PreceptorError, match=text) as caught:
        await read(**wanted)
    assert not isinstance(caught.value, NothingToReportError)


async def test_a_later_student_has_no_place_in_an_earlier_report(store, embedder, read):
    """A report that is made after a promotion tells of those who served until then."""
    await fill(store, embedder)
    signal = Signal(
        id="signal-1", task=TASK, kind=SignalKind.RETRAIN, reason="agreement", at=DEPLOYED_AT + 150,
        detector="agreement", model="v1", evidence=1.2, samples=200, false_alarm_budget="",
    )  # fmt: skip
    await store.commit(WorkBatch(owner="w", at=0.0, signals=[signal]))
    found = await read(signal_id="signal-1")
    assert [period.deployment.model for period in found.periods] == ["v1"]
    assert found.title.startswith("intent: retraining signal (agreement) of 2023-11-14")
    assert {pair.model for pair in found.pairs} == {"v1"}


async def test_nothing_to_report_is_said(store, read):
    """No deployment, then a deployment without traffic: each its own line."""
    with pytest.raises(NothingToReportError, match="no deployment with a reference yet"):
        await read()
    await deploy(store)
    with pytest.raises(NothingToReportError, match="no watched exchanges yet"):
        await read()
