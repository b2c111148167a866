from __future__ import annotations

import math

import msgspec
import pytest

from domain import config
from domain.errors import PreceptorError
from domain.follow_up import Tally
from domain.records import Canary
from domain.store import WorkBatch
from monitors import report_sources
from monitors.reference import Reference
from monitors.report_sources import Sources
from monitors.traffic import input_series
from tests.unit.monitors.report_samples import fill, watch
from tests.unit.monitors.samples import DEPLOYED_AT, NOVEL, ORDINARY, TASK, deploy, deployment, exchanges, paired
from tests.unit.monitors.test_app import DOCUMENT


@pytest.fixture
def sources(store, tmp_path):
    """Of the task, on the store of the fixture."""
    return Sources(store, config.parse(DOCUMENT, environ={}, root=tmp_path), TASK)


def test_a_deployment_ends_where_the_next_begins():
    """Also where the next has no reference, and so no place in the report."""
    history = [deployment("r1", at=10.0), deployment("", at=20.0), deployment("r3", at=30.0)]
    assert [(one.reference_id, end) for one, end in report_sources.spans(history)] == [("r1", 20.0), ("r3", math.inf)]


async def test_without_a_reference_it_says_what_to_do(store, sources):
    """No deployment, or one without a reference; and none yet at that time."""
    for _ in range(2):
        with pytest.raises(PreceptorError, match="no deployment with a reference yet: preceptor promote"):
            await sources.attribution(until=math.inf)
        await store.deploy(deployment())
    await deploy(store)
    with pytest.raises(PreceptorError, match="had no deployment with a reference then"):
        await sources.attribution(until=DEPLOYED_AT - 1)


async def test_drift_is_told_of_the_newest_deployment(store, sources, embedder):
    """Its inputs, its reference, its pairs; redacted with the checks of the task."""
    await fill(store, embedder)
    later = [f"{text} mail ana{number}@example.com" for number, text in enumerate(NOVEL)]
    await store.append(exchanges([*ORDINARY, *later], start=400, model="v2"))
    await watch(store, embedder)
    found = await sources.attribution(until=DEPLOYED_AT + 10_000)
    assert found is not None
    assert (found.model, found.drifted) == ("v2", True)
    assert "[email]" in {word.word for word in found.vocabulary.words}
    assert all("[email]" in example.text for example in found.examples.farthest)
    early = await sources.attribution(until=DEPLOYED_AT + 199)
    assert early is not None
    assert early.model == "v1"


async def test_a_day_is_counted_and_named(store, sources, embedder):
    """With the clusters of the reference, whose sizes are its own."""
    reference = await deploy(store)
    await store.append(exchanges(ORDINARY))
    await watch(store, embedder)
    found = await sources.mix("2023-11-14")
    assert (found.inputs, found.week_ago, sum(each.now.count for each in found.clusters)) == (168, 0, 168)
    assert [each.reference.count for each in sorted(found.clusters, key=lambda each: each.cluster)] == reference.sizes
    assert any(each.name for each in found.clusters)


async def test_where_hours_were_counted_they_tell_of_the_day(store, sources, embedder):
    """However many inputs there were: they are not read one by one."""
    await deploy(store)
    await store.append(exchanges(ORDINARY))
    await watch(store, embedder)
    (deployed,) = await store.deployments(TASK)
    body = msgspec.json.encode({"hour": {"inputs": [1000, 500], "exceeded": [[200, 100, 60, 10]]}})
    series = input_series(deployed)
    hours = [int(DEPLOYED_AT // 3600) - away for away in (0, 7 * 24)]
    tallies = [Tally(task=TASK, series=series, hour=hour, body=body) for hour in hours]
    await store.commit(WorkBatch(owner="w", at=0.0, tallies=tallies))
    found = await sources.mix("2023-11-14")
    assert (found.inputs, found.week_ago, found.flagged.count) == (1500, 1500, 60)
    assert any(each.name for each in found.clusters)


async def test_a_canary_does_not_cut_off_what_came_before_it(store, sources, embedder):
    """It is a deployment of the same student with the same reference; another reference counts from its own start."""
    await deploy(store)
    await store.append(exchanges(ORDINARY))
    await watch(store, embedder)
    await deploy(store, at=DEPLOYED_AT + 100, canary=Canary("v2", 0.1))
    found = await sources.attribution(until=DEPLOYED_AT + 1000)
    assert found is not None
    assert found.inputs == len(ORDINARY)
    assert (await sources.mix("2023-11-14")).flagged.of == len(ORDINARY)
    other = await store.put_blob("reference", Reference.build(ORDINARY[:150], embedder).to_bytes(), at=0.0)
    await store.deploy(deployment(other, at=DEPLOYED_AT + 101, model="v2"))
    day = await sources.mix("2023-11-14")
    assert (day.inputs, day.flagged.of) == (len(ORDINARY), len(ORDINARY) - 100)


@pytest.mark.parametrize(("day", "text"), [("yesterday", "is no day; write it like"), ("2023-11-13", "then")])
async def test_a_day_that_cannot_be_told_of_is_an_error(store, sources, day, text):
    """One that is none, and one before the first student."""
    await deploy(store)
    with pytest.raises(PreceptorError, match=text):
        await sources.mix(day)


async def test_slices_are_of_pairs_whose_exchange_is_known(store, sources):
    """Those that were read already are not read again; one that is gone is left out."""
    rows = exchanges(ORDINARY[:40])
    await store.append(rows)
    pairs = [
        paired(number, agreed=number % 2 > 0, teacher_answer="refund" if number % 2 else "cancel")
        for number in range(41)
    ]
    await store.commit(WorkBatch(owner="w", at=0.0, opened=pairs))
    read = await store.exchanges(TASK, limit=20)
    found = await sources.slices(pairs, read)
    assert {(each.dimension, each.value, each.agreement.pairs) for each in found} >= {("label", "refund", 20)}
