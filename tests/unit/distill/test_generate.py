from __future__ import annotations

import asyncio
import signal
import sys

import pytest
from starlette.responses import JSONResponse

from distill.examples import Example, encode_row, input_of, read_rows, row_of
from distill.generate import generate, rows_from_pairs
from distill.teacher import Teacher, TeacherError
from domain.errors import DatasetError
from domain.prices import Price
from domain.records import Arm, Exchange, Pair, PairState, Stratum, Usage

PRICE = Price(1000.0, 500.0)  # the fake teacher's 10 + 2 tokens cost $0.011
TEXTS = [f"where is thing {number}" for number in range(30)]


@pytest.fixture
async def teacher(teacher_server):
    """A client of the fake teacher, with a price."""
    asked = Teacher(base_url=teacher_server.base_url, api_key="", model="gold", prompt="P", price=PRICE)
    yield asked
    await asked.aclose()


def _failure(status):
    return JSONResponse({"error": {"message": "m", "type": "t", "code": "c"}}, status, {"retry-after-ms": "1"})


async def test_every_input_gets_its_answer(teacher, teacher_server, tmp_path):
    """Each distinct input is asked once, each answer is a row, and tokens and money add up."""
    seen = []
    report = await generate(
        teacher, [*TEXTS, TEXTS[0].upper(), "  "], tmp_path / "o", progress=lambda *state: seen.append(state)
    )
    assert (report.inputs, report.answered, report.reused, report.failed, report.left) == (30, 30, 0, 0, 0)
    assert report.usage == Usage(300, 60)
    assert report.cost_usd == pytest.approx(0.33)
    assert teacher_server.calls.total() == 30
    rows = read_rows(tmp_path / "o").rows
    assert {input_of(row) for row in rows} == {*TEXTS[1:], TEXTS[0].upper()}
    assert [done for done, _, _ in seen] == list(range(1, 31))
    assert seen[-1] == (30, 30, pytest.approx(0.33))


async def test_what_is_answered_is_not_asked_again(teacher, teacher_server, tmp_path):
    """A second run must pay only for what is new, also after a torn last line."""
    out = tmp_path / "o"
    await generate(teacher, TEXTS[:10], out)
    out.write_bytes(out.read_bytes() + encode_row(row_of(Example(TEXTS[10], "status"), prompt="P"))[:40])
    report = await generate(teacher, TEXTS, out)
    assert (report.reused, report.answered) == (10, 20)
    assert set(teacher_server.calls.values()) == {1}
    found = read_rows(out)
    assert (len(found.rows), found.problems) == (30, ())


async def test_the_money_cap_holds(teacher, teacher_server, tmp_path):
    """Not a cent above the cap may be spent, whatever the concurrency, and the rest is reported as left."""
    report = await generate(teacher, TEXTS, tmp_path / "o", max_usd=0.1, concurrency=16)
    assert (report.answered, report.left) == (9, 21)
    assert report.cost_usd == pytest.approx(0.099)
    assert teacher_server.calls.total() == 9


async def test_no_money_buys_nothing(teacher, teacher_server, tmp_path):
    """A cap of zero must stop a priced teacher before the first call."""
    report = await generate(teacher, TEXTS, tmp_path / "o", max_usd=0.0)
    assert (report.answered, report.left, report.cost_usd) == (0, 30, 0.0)
    assert teacher_server.calls.total() == 0


async def test_one_bad_input_costs_one_input(teacher, teacher_server, tmp_path):
    """A refusal is kept so that it is not paid twice; a bad or cut one is counted; the others are answered."""
    teacher_server.fixed = {
        TEXTS[3]: _failure(400),
        TEXTS[4]: teacher_server.completion(content=None, refusal="No."),
        TEXTS[5]: teacher_server.completion(content="stat", finish_reason="length"),
    }
    report = await generate(teacher, TEXTS, tmp_path / "o")
    assert (report.answered, report.failed, report.failures) == (28, 2, {"status": 1, "cut": 1})
    refused = next(row for row in read_rows(tmp_path / "o").rows if input_of(row) == TEXTS[4])
    assert (refused.messages[-1].content, refused.messages[-1].refusal) == (None, "No.")
    assert (await generate(teacher, TEXTS, tmp_path / "o")).reused == 28


@pytest.mark.parametrize(("status", "most"), [(401, 1), (400, 10 + 7)])
async def test_a_teacher_that_only_fails_is_given_up(teacher, teacher_server, tmp_path, status, most):
    """A wrong key must cost one call, a broken teacher a few, never all; what was answered stays."""
    out = tmp_path / "o"
    await generate(teacher, TEXTS[:5], out)
    teacher_server.calls.clear()
    teacher_server.fixed = dict.fromkeys(TEXTS, _failure(status))
    with pytest.raises(TeacherError, match=f"answered {status}"):
        await generate(teacher, TEXTS, out)
    assert teacher_server.calls.total() <= most
    assert len(read_rows(out).rows) == 5


async def test_a_full_disk_stops_the_spending(teacher, teacher_server, tmp_path, monkeypatch):
    """An answer that cannot be kept must end the run with one line, not with a group of exceptions."""

    def full(self, rows):
        raise DatasetError("cannot write o: No space left on device")

    monkeypatch.setattr("distill.generate.RowAppender.append", full)
    with pytest.raises(DatasetError, match="No space left"):
        await generate(teacher, TEXTS, tmp_path / "o")
    assert teacher_server.calls.total() == 1


_SCRIPT = """
import asyncio, sys
from pathlib import Path
from distill.generate import generate
from distill.teacher import Teacher
from domain.prices import FREE
teacher = Teacher(base_url=sys.argv[1], api_key="", model="gold", prompt="", price=FREE)
texts = [f"where is thing {number}" for number in range(400)]
asyncio.run(generate(teacher, texts, Path(sys.argv[2]), concurrency=4))
"""


@pytest.mark.slow
async def test_a_killed_run_loses_only_the_calls_in_flight(teacher_server, teacher, tmp_path):
    """After kill -9 and a second run each input has one row, and at most `concurrency` were paid twice."""
    out = tmp_path / "o"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _SCRIPT, teacher_server.base_url, str(out))
    try:
        while teacher_server.calls.total() < 60:
            assert process.returncode is None
            await asyncio.sleep(0.002)
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()
    kept = len(read_rows(out).rows)
    assert 50 <= kept < 400
    texts = [f"where is thing {number}" for number in range(400)]
    report = await generate(teacher, texts, out, concurrency=4)
    assert report.reused >= kept - 1
    found = read_rows(out)
    assert sorted(filter(None, map(input_of, found.rows))) == sorted(texts)
    assert found.problems == ()
    assert teacher_server.calls.total() <= 400 + 4


def test_shadow_pairs_become_rows_for_nothing():
    """Answers that were paid for off-path are examples; pairs without one, or without their exchange, are not."""

    def exchange(number):
        return Exchange(
            id=f"e{number}",
            task="t",
            at=1.0,
            arm=Arm.CHAMPION,
            model="v1",
            draw=0.1,
            journal_rate=1.0,
            request=b"{}",
            input_text=f"input {number}",
            output_text="wrong",
            status=200,
            usable=True,
        )

    def pair(number, state=PairState.PAIRED):
        return Pair(
            exchange_id=f"e{number}",
            task="t",
            model="v1",
            stratum=Stratum.ORDINARY,
            probability=0.1,
            state=state,
            opened_at=1.0,
            student_answer="wrong",
            teacher_answer=f"right {number}",
        )

    pairs = [pair(1), pair(2, PairState.TEACHER_ERROR), pair(3)]
    assert rows_from_pairs(pairs, [exchange(1), exchange(2)], prompt="P") == [
        row_of(Example("input 1", "right 1"), prompt="P")
    ]
