from __future__ import annotations

import asyncio
import json

import pytest

from adapters.stores.sqlite import SqliteStore
from domain import config
from domain.clock import ManualClock
from domain.errors import ConfigError, DatasetError
from domain.follow_up import Recheck, RecheckKind
from domain.records import Deployment
from domain.settings import Settings
from domain.store import WorkBatch
from embedders.hashing import HashingEmbedder
from monitors.comparers.plain import PlainComparer
from monitors.comparers.text import LEAST_PAIRS, TextComparer
from monitors.pairing import Pairing
from monitors.task_loops import TaskLoops
from monitors.teacher_check import TeacherCheck
from monitors.watch import Watch
from tests.unit.monitors.samples import DEPLOYED_AT, NOVEL, ORDINARY, TASK, deploy, exchange, exchanges, paired

PROMPTS = '{"input": "where is my order?"}\n'


def read(tmp_path, *, upstream: str = "http://127.0.0.1:9/v1", **sections) -> Settings:
    """The settings of one task, with sections replaced."""
    task = {
        "teacher": {"upstream": "oracle", "model": "gold", "price": {"input": 1.0, "output": 2.0}},
        "student": {"upstream": "local", "model": "v1"},
        "output": {"labels": ["cancel", "refund", "status"]},
        "drift": {"embedder": "words", "detector": "per-sample"},
        "agreement": {"detector": "per-sample"},
        "shadow": {"rate": 0.5, "flagged_rate": 1.0, "expire": "3650d"},
    }
    return config.parse(
        {
            "upstreams": {"oracle": {"base_url": upstream}, "local": {"base_url": upstream}},
            "tasks": {TASK: task | sections},
            "embedders": {"words": {"backend": "hashing"}},
        },
        environ={},
        root=tmp_path,
    )


def loops(settings: Settings, tmp_path) -> TaskLoops:
    """The loops of the task, on a store that is not open yet."""
    return TaskLoops(
        settings,
        TASK,
        {"words": HashingEmbedder()},
        store=SqliteStore(tmp_path / "store.db"),
        clock=ManualClock(DEPLOYED_AT + 100),
        owner="w",
    )


@pytest.mark.parametrize(
    ("sections", "kinds"),
    [
        ({}, [Watch, Pairing]),
        ({"teacher_check": {"prompts": "canaries.jsonl", "every": "1d"}}, [Watch, Pairing, TeacherCheck]),
    ],
)
def test_a_task_has_its_watch_its_pairing_and_its_check(tmp_path, sections, kinds):
    """The teacher is checked where there are canary prompts, which are read from the folder of the configuration."""
    (tmp_path / "canaries.jsonl").write_text(PROMPTS)
    built = loops(read(tmp_path, **sections), tmp_path)
    assert [type(each) for each in built.loops] == kinds
    assert built.name == TASK
    assert isinstance(built._comparer, PlainComparer)
    asyncio.run(built.aclose())


def test_canary_prompts_that_are_not_there_are_refused(tmp_path):
    """Before anything runs, with the name of the file."""
    with pytest.raises(DatasetError, match=r"canaries\.jsonl"):
        loops(read(tmp_path, teacher_check={"prompts": "canaries.jsonl"}), tmp_path)


async def keep(tmp_path, twice: int) -> None:
    """A store in which the teacher has answered so many inputs twice."""
    store = SqliteStore(tmp_path / "store.db")
    await store.start()
    texts = (ORDINARY + NOVEL)[:twice]
    rows = [exchange(number, text) for number, text in enumerate(texts)]
    await store.append(rows)
    closed = [paired(number, agreed=True, teacher_answer=f"{text} it is") for number, text in enumerate(texts)]
    await store.commit(WorkBatch(owner="w", at=DEPLOYED_AT, opened=closed))
    await store.add_rechecks(
        Recheck(
            id=f"self-x{number:05d}", task=TASK, kind=RecheckKind.SELF, key=f"x{number:05d}", at=DEPLOYED_AT,
            teacher="gold", answer=f"{text} that is", agreed=True,
        )
        for number, text in enumerate(texts)
    )  # fmt: skip
    await store.aclose()


def test_texts_are_compared_as_the_teacher_agrees_with_itself(tmp_path):
    """The threshold is learned from what the store has of it; the store is closed again, to be opened by its loop."""
    asyncio.run(keep(tmp_path, LEAST_PAIRS))
    built = loops(read(tmp_path, output={"text": {}}, agreement={"comparer": "text"}), tmp_path)
    assert isinstance(built._comparer, TextComparer)
    told = loops(read(tmp_path, output={"text": {}}, agreement={"comparer": "text", "least_similarity": 0.9}), tmp_path)
    assert isinstance(told._comparer, TextComparer)
    for each in (built, told):
        asyncio.run(each.aclose())


def test_without_enough_of_them_the_configuration_must_say(tmp_path):
    """The error names the key, and what is there."""
    asyncio.run(keep(tmp_path, LEAST_PAIRS - 1))
    with pytest.raises(ConfigError, match=rf"agreement\.least_similarity: with {LEAST_PAIRS - 1} inputs"):
        loops(read(tmp_path, output={"text": {}}, agreement={"comparer": "text"}), tmp_path)


@pytest.mark.parametrize(
    ("sections", "path"),
    [
        ({"agreement": {"comparer": "judge", "judge": {"upstream": "nobody", "model": "m"}}}, "judge"),
        ({"teacher": {"upstream": "oracle", "model": "gold", "price": "no-such-model"}}, "price"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_path(tmp_path, sections, path):
    """Neither a judge of an unknown upstream, nor a price that is on no list."""
    with pytest.raises(ConfigError, match=rf"tasks\.{TASK}.*{path}"):
        loops(read(tmp_path, **sections), tmp_path)


@pytest.mark.slow
async def test_watch_and_pairing_share_the_money_and_the_course(tmp_path, teacher_server):
    """What one of them opens the other closes, and what the pairs cost thins what is opened next."""
    upstream = f"http://127.0.0.1:{teacher_server.port}/v1"
    dear = {"upstream": "oracle", "model": "gold", "price": {"input": 1000.0, "output": 1000.0}}
    settings = read(
        tmp_path,
        upstream=upstream,
        teacher=dear,
        shadow={"rate": 0.5, "flagged_rate": 1.0, "expire": "3650d", "max_usd_per_day": 0.2, "concurrency": 1},
    )
    built = await asyncio.to_thread(loops, settings, tmp_path)
    watch, pairing = built.loops
    store = built._store
    await store.start()
    await deploy(store)
    await store.append(exchanges(ORDINARY[:32], draw=0.2, request=_request(16)))
    assert await watch.step() == 32
    opened = len(await store.pairs(TASK))
    assert opened == 32
    while await pairing.step():
        pass
    spent = await store.spent_usd(TASK, since=0.0)
    assert 0.1 < spent <= 0.2
    assert watch._budget is pairing._budget
    assert watch._course is pairing._course
    await store.append(exchanges(ORDINARY[32:64], start=100, draw=0.2))
    await watch.step()
    assert len(await store.pairs(TASK)) == opened  # the money of the day is gone: no rate is left that takes 0.2
    assert isinstance(await store.deployment(TASK), Deployment)
    await built.aclose()
    await store.aclose()


def _request(most: int) -> bytes:
    body = {"model": TASK, "max_tokens": most, "messages": [{"role": "user", "content": "x"}]}
    return json.dumps(body).encode()
