from __future__ import annotations

import asyncio
import json
import xml.etree.ElementTree as ET

import pytest
import yaml

from adapters.stores.sqlite import SqliteStore
from domain.clock import SystemClock
from domain.records import Arm, Baseline, Deployment, Exchange, Pair, PairState, Stratum, Usage
from domain.store import WorkBatch

DAY_S = 86400.0
PER_SAMPLE = {"agreement": {"detector": "per-sample"}}
HOPELESS = {Stratum.ORDINARY: Baseline(4, 3)}
BASELINES = {Stratum.ORDINARY: Baseline(1900, 1862), Stratum.FLAGGED: Baseline(100, 92)}


def exchange(number: int, at: float, **fields) -> Exchange:
    """An answered exchange of 100 + 10 tokens."""
    base = {
        "id": f"x{number}", "task": "tickets", "at": at, "arm": Arm.CHAMPION, "model": "tickets-v1", "draw": 0.0,
        "journal_rate": 1.0, "request": b"{}", "input_text": "i", "output_text": "o", "status": 200, "usable": True,
        "usage": Usage(100, 10),
    }  # fmt: skip
    return Exchange(**base | fields)


def pair(number: int, cost: float) -> Pair:
    """A closed pair."""
    return Pair(
        exchange_id=f"x{number}", task="tickets", model="tickets-v1", stratum=Stratum.ORDINARY, probability=0.01,
        state=PairState.PAIRED, opened_at=1.0, closed_at=2.0, agreed=True, cost_usd=cost,
    )  # fmt: skip


def fill(installation, *, deployed: bool = True, traffic: int = 1000, costs: tuple[float, ...] = (), **fields) -> None:
    """Put a deployment, two days of traffic and pairs into the installation's store."""

    async def write() -> None:
        store = SqliteStore(installation.root / "store.db")
        await store.start()
        if deployed:
            base = {"reference_id": "", "at": 1.0, "by": "t", "reason": "t", "baselines": BASELINES}
            await store.deploy(Deployment(task="tickets", model="tickets-v1", **base | fields))
        now = SystemClock().now_s()
        step = 2 * DAY_S / max(traffic, 1)
        await store.append([exchange(number, now - (traffic - number) * step) for number in range(traffic)])
        pairs = [pair(number, cost) for number, cost in enumerate(costs)]
        await store.commit(WorkBatch(owner="t", at=1.0, opened=pairs))
        await store.aclose()

    asyncio.run(write())


def configure(installation, **sections) -> None:
    """Change sections of the task."""
    document = yaml.safe_load(installation.config.read_text())
    document["tasks"]["tickets"].update(sections)
    installation.config.write_text(yaml.safe_dump(document))


def test_the_answer_is_a_sentence_a_table_and_today(run, installation):
    """Pairs, dollars and rate for the drop; then what is configured and what that sees."""
    fill(installation, costs=(0.02, 0.04))
    code, out, _ = run("plan", "-c", installation.config, "--drop", "10")
    assert code == 0
    assert "tickets: to see a drop of 10 points within 1 day with a chance of 90% you need" in out
    assert "today: shadow.rate 0.01 gives about 5 pairs a day, $0.15 of $20.00" in out
    assert "500 exchanges a day (2.0 days observed), $0.030000 a pair (mean of the last 2 pairs)" in out
    assert "drop, points" in out
    assert "not to be seen" in out


def test_the_json_says_the_same(run, installation):
    """For scripts: numbers that follow from each other."""
    fill(installation, costs=(0.03,))
    value = json.loads(run("plan", "-c", installation.config, "--drop", "10", "--within", "2d", "--json")[1])
    need, demand = value["need"], value["demand"]
    assert (value["task"], value["model"], value["detector"]) == ("tickets", "tickets-v1", "windowed")
    assert (value["within_days"], value["chance"], value["longer"]) == (2.0, 0.9, None)
    assert need["usd_per_day"] == pytest.approx(need["pairs_per_day"] * 0.03)
    assert need["rate"] == pytest.approx(need["pairs_per_day"] / demand["pairs_per_day"])
    assert demand["pairs_per_day"] == pytest.approx(500, rel=0.01)
    assert [row["drop"] for row in value["table"]] == [0.01, 0.02, 0.03, 0.04, 0.05, 0.07, 0.1, 0.15, 0.2]
    assert value["table"][6] == need


def test_a_drop_that_no_number_of_pairs_shows_is_given_more_time(run, installation):
    """One per cent of disagreement more is not seen in a day; the answer says when it is."""
    fill(installation, costs=(0.03,))
    code, out, _ = run("plan", "-c", installation.config, "--drop", "2")
    assert code == 0
    assert "no number of pairs shows a drop of 2 points within 1 day" in out
    assert "but to see a drop of 2 points within" in out


def test_per_sample_is_planned_for_where_it_is_configured(run, installation):
    """The detector is the task's."""
    configure(installation, **PER_SAMPLE)
    fill(installation, costs=(0.03,))
    value = json.loads(run("plan", "-c", installation.config, "--json")[1])
    assert (value["detector"], value["need"]["pairs_per_day"] > 1000) == ("per-sample", True)
    assert value["need"]["rate"] > 1
    assert "more than the traffic has" in run("plan", "-c", installation.config)[1]


def test_before_there_are_pairs_the_price_sheet_counts(run, installation):
    """The student's tokens at the teacher's price: 100 in and 10 out of gpt-4o."""
    fill(installation)
    demand = json.loads(run("plan", "-c", installation.config, "--json")[1])["demand"]
    assert demand["usd_per_pair"] == pytest.approx((100 * 2.5 + 10 * 10) / 1e6)
    assert "gpt-4o" in demand["price_source"]


def test_the_curves_are_a_picture(run, installation):
    """Valid XML with a curve for each drop that can be seen, the axes named with their units."""
    configure(installation, **PER_SAMPLE)
    fill(installation, costs=(0.03,))
    out = installation.root / "power.svg"
    code, text, _ = run("plan", "-c", installation.config, "--within", "3d", "--out", out)
    assert code == 0
    assert text.endswith(f"{out}\n")
    picture = out.read_text()
    root = ET.fromstring(picture)
    assert len(root.findall("{http://www.w3.org/2000/svg}polyline")) >= 4
    for word in (
        "pairs a day",
        "US dollars a day",
        "chance of seeing",
        "within 3 days",
        "5 points",
        "today",
        "per-sample",
    ):
        assert word in picture


@pytest.mark.parametrize(
    ("options", "changes", "content", "problem"),
    [
        (["--task", "other"], {}, {}, "no task 'other'"),
        ([], {}, {"deployed": False}, "no student is deployed"),
        ([], {}, {"traffic": 0}, "send traffic first"),
        ([], {}, {"baselines": {}, "costs": (0.1,)}, "agreed on no held-out row"),
        ([], {"agreement": {"detector": "none"}}, {"costs": (0.1,)}, "none sees no drop"),
        ([], {"teacher": {"upstream": "oracle", "model": "oracle"}}, {}, "tasks.tickets.teacher.price: not given"),
        (["--within", "soon"], {}, {}, "--within: 'soon' is no duration"),
        (["--within", "5m"], {}, {}, "--within: 5m is not between 1h and 30d"),
        (["--within", "90d"], {}, {}, "--within: 90d is not between 1h and 30d"),
        (["--out", "never.svg"], PER_SAMPLE, {"costs": (0.1,), "baselines": HOPELESS}, "shows any drop"),
    ],
)
def test_what_cannot_be_planned_is_one_line(run, installation, options, changes, content, problem):
    """With exit code 2, before anything is written."""
    configure(installation, **changes)
    fill(installation, **content)
    code, out, err = run("plan", "-c", installation.config, *options)
    assert (code, out) == (2, "")
    assert problem in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("option", [("--drop", "0"), ("--drop", "95"), ("--chance", "1"), ("--day-variation", "-1")])
def test_numbers_out_of_range_are_refused(run, installation, option):
    """By the option's own name."""
    code, _, err = run("plan", "-c", installation.config, *option)
    assert code == 2
    assert option[0] in err


def test_a_teacher_that_is_free_costs_nothing(run, installation):
    """A price of zero is a price; and the picture has then no axis of dollars."""
    free = {"upstream": "oracle", "model": "oracle", "price": {"input": 0, "output": 0}}
    configure(installation, teacher=free, **PER_SAMPLE)
    fill(installation)
    out = installation.root / "power.svg"
    value = json.loads(run("plan", "-c", installation.config, "--drop", "10", "--json", "--out", out)[1])
    assert value["need"]["usd_per_day"] == 0.0
    assert "US dollars" not in out.read_text()
