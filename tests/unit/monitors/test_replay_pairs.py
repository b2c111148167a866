from __future__ import annotations

import msgspec
import pytest

from domain.records import Pair, PairState
from domain.store import WorkBatch
from monitors.replay_memory import ReplayMemory
from monitors.replay_pairs import PairReplay
from tests.unit.monitors.samples import DEPLOYED_AT, ORDINARY, TASK, deploy, exchange, paired, settings


async def keep(store, pairs: list[Pair], **fields) -> None:
    """Journal the inputs of pairs that have ended, and keep the pairs in this order."""
    numbers = [int(pair.exchange_id[1:]) for pair in pairs]
    await store.append([exchange(number, ORDINARY[number % len(ORDINARY)], draw=0.1, **fields) for number in numbers])
    await store.commit(WorkBatch(owner="test", at=DEPLOYED_AT, opened=pairs))


async def replay(store) -> tuple[PairReplay, ReplayMemory]:
    """A replay of what is in the store."""
    memory, history = ReplayMemory(store), await store.deployments(TASK)
    made = PairReplay(store, TASK, settings(), memory, history=history, marks=[], rechecks=[])
    return made, memory


async def samples(store, memory) -> dict[str, int]:
    """How many pairs the agreement detector of each student has heard."""
    found = {}
    for deployed in await store.deployments(TASK):
        for state in await memory.detector_states(TASK, f"{deployed.reference_id}@{deployed.at!r}"):
            if state.detector == "agreement":
                found[deployed.model] = msgspec.json.decode(state.state)["samples"]
    return found


async def test_pairs_are_followed_up_to_a_time(store):
    """The rest waits, also where a page holds both, and nothing is heard twice."""
    await deploy(store)
    await keep(store, [paired(number, agreed=True) for number in range(30)])
    made, memory = await replay(store)
    for until, heard in ((DEPLOYED_AT, {}), (DEPLOYED_AT + 11, 10), (DEPLOYED_AT + 11, 10), (float("inf"), 30)):
        await made.advance(until)
        assert await samples(store, memory) == ({"v1": heard} if heard else {})


async def test_pairs_belong_to_the_student_under_which_they_ended(store):
    """Of two deployments, each hears its own; one of the first that ended later is nobody's."""
    await deploy(store)
    await deploy(store, model="v2", at=DEPLOYED_AT + 10)
    first = [paired(number, agreed=True) for number in range(5)]
    late = paired(5, agreed=True, closed_at=DEPLOYED_AT + 20)
    await keep(store, [*first, late])
    await keep(store, [paired(number, agreed=True, model="v2") for number in range(20, 27)], model="v2")
    made, memory = await replay(store)
    await made.advance()
    assert await samples(store, memory) == {"v1": 5, "v2": 7}


@pytest.mark.parametrize(("wrong", "reasons"), [(True, ["agreement"]), (False, [])])
async def test_a_student_that_was_wrong_raises_its_signal_again(store, wrong, reasons):
    """From the pairs alone."""
    await deploy(store)
    await keep(store, [paired(number, agreed=not wrong) for number in range(60)])
    made, memory = await replay(store)
    await made.advance()
    assert [signal.reason for signal in memory.found] == reasons


async def test_samples_without_a_student_answer_move_no_time(store):
    """They are closed when they are opened, before pairs of earlier inputs; live, Pairing never sees them."""
    await deploy(store)
    unanswered = msgspec.structs.replace(paired(100_000, agreed=False), state=PairState.STUDENT_ERROR, agreed=None)
    await keep(store, [unanswered, paired(1, agreed=True)])
    made, memory = await replay(store)
    await made.advance(DEPLOYED_AT + 60)
    assert await samples(store, memory) == {"v1": 1}
