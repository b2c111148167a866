from __future__ import annotations

import asyncio
import json

import pytest
import yaml

from adapters.stores.sqlite import SqliteStore
from domain.records import Agreement, Deployment, Signal, SignalKind
from domain.store import WorkBatch

NIGHT = 1_700_000_000.0  # 2023-11-14 22:13 UTC; in Berlin 23:13
SIGNALS = [
    Signal(
        id="sig-1", task="tickets", kind=SignalKind.RETRAIN, reason="agreement", at=NIGHT, detector="agreement",
        model="tickets-v1", evidence=1.23, samples=180, false_alarm_budget="one in 30 days",
        agreement=Agreement(0.8, 0.7, 0.9, 180),
    ),
    Signal(
        id="sig-2", task="tickets", kind=SignalKind.WARNING, reason="drift", at=NIGHT + 3600, detector="novelty",
        model="tickets-v1", evidence=1.0, samples=9, false_alarm_budget="one in 30 days",
    ),
]  # fmt: skip


async def in_store(installation, work):
    """Run `work` on the installation's store."""
    store = SqliteStore(installation.root / "store.db")
    await store.start()
    try:
        return await work(store)
    finally:
        await store.aclose()


@pytest.fixture
def raised(installation):
    """An installation with an alarm and a warning."""
    batch = WorkBatch(owner="w", at=NIGHT, signals=SIGNALS)
    asyncio.run(in_store(installation, lambda store: store.commit(batch)))
    return installation


def answered(run, installation, *arguments):
    """What a command says as JSON."""
    code, out, err = run("signals", *arguments, "--json", "-c", installation.config)
    assert (code, err) == (0, "")
    return json.loads(out)


def test_a_new_installation_is_ok(run, installation):
    """No signals, in words and for scripts."""
    assert answered(run, installation, "list") == []
    assert answered(run, installation, "state") == {"task": "tickets", "state": "ok", "open": []}
    assert run("signals", "state", "-c", installation.config)[:2] == (0, "tickets: ok\n")
    assert run("signals", "list", "-c", installation.config)[0] == 0


def test_signals_are_listed_with_where_they_stand(run, raised):
    """Oldest first, each with its evidence, its state and since when."""
    run("signals", "ack", "sig-1", "--by", "ada", "-c", raised.config)
    first, second = answered(run, raised, "list")
    assert (first["id"], first["state"], first["agreement"]["lower"]) == ("sig-1", "acknowledged", 0.7)
    assert (second["id"], second["state"], second["since"]) == ("sig-2", "warning", NIGHT + 3600)
    table = run("signals", "list", "-c", raised.config)[1]
    for text in ("sig-1", "2023-11-14 22:13:20", "acknowledged", "drift", "1.23"):
        assert text in table


def test_a_signal_is_shown_with_what_became_of_it(run, raised):
    """All that it rests on, then every step with who, when and why."""
    run("signals", "ack", "sig-1", "--by", "ada", "--note", "new products", "-c", raised.config)
    out = run("signals", "show", "sig-1", "-c", raised.config)[1]
    for text in ("reason               agreement", "0.7", "acknowledged", "ada new products", "2023-11-14 22:13:20"):
        assert text in out
    assert "worst" not in out
    value = answered(run, raised, "show", "sig-1")
    assert [(step["state"], step["cause"], step["by"]) for step in value["steps"]] == [
        ("alarm", "signal", ""),
        ("acknowledged", "answer", "ada"),
    ]


def test_an_acknowledgement_is_said_once(run, raised):
    """The state changes, a second one is refused in words, and harmless closes it."""
    assert answered(run, raised, "state")["state"] == "alarm"
    assert run("signals", "ack", "sig-1", "-c", raised.config)[:2] == (0, "sig-1 (agreement) is acknowledged\n")
    state = run("signals", "state", "-c", raised.config)[1].splitlines()
    assert state[0] == "tickets: acknowledged"
    assert state[2].startswith("  drift: warning since 2023-11-14 23:13:20")
    code, out, err = run("signals", "ack", "sig-1", "-c", raised.config)
    assert (code, out) == (2, "")
    assert "so it cannot be acknowledged; it can become retraining, ok" in err
    assert answered(run, raised, "ack", "sig-1", "--harmless", "--note", "a sale")["state"] == "ok"
    assert answered(run, raised, "state")["state"] == "warning"


def test_another_student_ends_the_alarm(run, raised):
    """What the registry says is seen without the monitors."""
    deployed = Deployment(task="tickets", model="tickets-v2", reference_id="r", at=NIGHT + 9, by="ada", reason="new")
    asyncio.run(in_store(raised, lambda store: store.deploy(deployed)))
    assert [signal["steps"][1]["cause"] for signal in answered(run, raised, "list")[:1]] == ["deployment"]


@pytest.mark.parametrize(
    ("zone", "closed"), [("UTC", ["sig-1", "sig-2"]), ("Europe/Berlin", ["sig-1"]), ("Asia/Tokyo", [])]
)
def test_expected_days_are_days_of_the_task(run, raised, zone, closed):
    """The mark is kept, signals of these days alone are closed, and it is said what follows."""
    document = yaml.safe_load(raised.config.read_text())
    document["tasks"]["tickets"]["time_zone"] = zone
    raised.config.write_text(yaml.safe_dump(document))
    days = ("--from", "2023-11-13", "--to", "2023-11-14", "--note", "a sale", "--by", "ada")
    value = answered(run, raised, "expected", *days)
    assert [episode["signal_ids"][0] for episode in value["closed"]] == closed
    assert (value["expected"]["first_day"], value["expected"]["by"]) == ("2023-11-13", "ada")
    (mark,) = asyncio.run(in_store(raised, lambda store: store.expected("tickets")))
    assert (mark.first_day, mark.last_day, mark.note) == ("2023-11-13", "2023-11-14", "a sale")
    out = run("signals", "expected", *days, "-c", raised.config)[1]
    assert f"2023-11-13 to 2023-11-14 ({zone}) are marked as harmless; the detectors are fitted again" in out
    assert "no open signal was raised on these days alone" in out


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("show", "x"), "no signal 'x'; see: preceptor signals list"),
        (("ack", "x"), "no signal 'x'; see: preceptor signals list"),
        (("ack", "sig-1", "--by", " "), "' ' is no name of a person"),
        (("expected", "--from", "yesterday", "--to", "2023-11-14"), "'yesterday' is no day"),
        (("expected", "--from", "2023-11-14"), "--to"),
        (("state", "--task", "x"), "no task 'x'"),
    ],
)
def test_a_mistake_changes_nothing(run, raised, arguments, problem):
    """One line says what is wrong; nothing is kept."""
    code, out, err = run("signals", *arguments, "-c", raised.config)
    assert (code, out) == (2, "")
    assert problem in err
    assert asyncio.run(in_store(raised, lambda store: store.signal_events("tickets"))) == []
    assert asyncio.run(in_store(raised, lambda store: store.expected("tickets"))) == []
