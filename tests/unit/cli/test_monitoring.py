from __future__ import annotations

import asyncio
import json

import msgspec
import yaml

from adapters.stores.sqlite import SqliteStore
from domain import config
from domain.records import Arm, Decision, Deployment, Exchange, Pair, PairState, Stage, Stratum, Verdict
from domain.store import Watched, WorkBatch
from embedders.hashing import HashingEmbedder
from monitors.reference import Reference
from policies import app as policies


def test_agreement_of_a_new_installation(run, installation):
    """Before any traffic the report must say that there is nothing yet."""
    code, out, _ = run("report", "agreement", "-c", installation.config)
    assert code == 0
    assert "no pairs yet" in out
    value = json.loads(run("report", "agreement", "-c", installation.config, "--json")[1])
    assert (value["task"], value["agreement"], value["ceiling"], value["slices"]) == ("tickets", None, None, [])
    assert (value["pairs"], value["signals"]) == ({}, [])


def test_detectors_of_a_new_installation(run, installation):
    """Before a student is promoted nothing watches, and the report says what to do."""
    code, out, _ = run("report", "detectors", "-c", installation.config)
    assert code == 0
    assert "promote a student with a reference" in out
    assert json.loads(run("report", "detectors", "-c", installation.config, "--json")[1])["detectors"] == []


def test_a_drift_report_needs_a_deployment(run, installation):
    """The error must say what to do first."""
    out = installation.root / "drift.html"
    code, _, err = run("report", "drift", "-c", installation.config, "--out", out)
    assert code == 2
    assert "preceptor promote" in err
    assert not out.exists()


def journalled(number, policy, *decisions):
    """An exchange of a minute, with what was decided about it."""
    return Exchange(
        id=f"x{number}", task="tickets", at=1000.0 + 60 * number, arm=Arm.CHAMPION, model="tickets-v1", draw=0.0,
        journal_rate=1.0, request=b"{}", input_text="i", output_text="o", status=200, usable=True, policy=policy,
        decisions=decisions,
    )  # fmt: skip


def journal(installation, exchanges, pairs=()):
    """Put exchanges and pairs into the installation's store."""

    async def write():
        store = SqliteStore(installation.root / "store.db")
        await store.start()
        await store.append(exchanges)
        await store.commit(WorkBatch(owner="w", at=0.0, opened=pairs))
        await store.aclose()

    asyncio.run(write())


def judged(number, *, student, teacher):
    """A pair whose answers were judged."""
    return Pair(
        exchange_id=f"x{number}", task="tickets", model="tickets-v1", stratum=Stratum.ORDINARY, probability=0.01,
        state=PairState.PAIRED, opened_at=1000.0, agreed=True, student_unsafe=student, teacher_unsafe=teacher,
    )  # fmt: skip


def test_safety_of_a_new_installation(run, installation):
    """Before any traffic the report must say that there is nothing yet, and what to do."""
    code, out, _ = run("report", "safety", "-c", installation.config)
    assert code == 0
    assert "no journalled exchanges yet" in out
    assert "no pair was judged" in out
    value = json.loads(run("report", "safety", "-c", installation.config, "--json")[1])
    assert (value["task"], value["policies"], value["safety_parity"]) == ("tickets", [], None)


def test_safety_tells_of_every_policy(run, installation):
    """What a shadow check would have stopped, by policy, with the configured checks that found nothing, and parity."""
    document = yaml.safe_load(installation.config.read_text())
    shadow = [{"pii": {"mode": "shadow", "id": "leaks"}}]
    document["tasks"]["tickets"]["policies"] = {"input": ["length"], "output": shadow}
    installation.config.write_text(yaml.safe_dump(document))
    current = policies.build(config.load(installation.config), "tickets").sha256
    finding = Decision("pii", Verdict.BLOCK, "email", stage=Stage.OUTPUT, shadow=True, arm=Arm.CHAMPION)
    journal(
        installation,
        [*(journalled(n, "old", finding) for n in range(3)), *(journalled(n, current) for n in range(3, 10))],
        [
            judged(0, student=True, teacher=False),
            judged(1, student=False, teacher=False),
            msgspec.structs.replace(judged(2, student=True, teacher=False), model="another", agreed=None),
        ],
    )
    value = json.loads(run("report", "safety", "-c", installation.config, "--json")[1])
    newest, old = value["policies"]
    assert (value["configured"], newest["policy"], newest["exchanges"], old["exchanges"]) == (current, current, 7, 3)
    assert [(check["stage"], check["check"], check["shadow"], check["verdicts"]) for check in newest["checks"]] == [
        ("input", "length", False, {}),
        ("output", "leaks", True, {}),
    ]
    (pii,) = old["checks"]
    assert (pii["verdicts"]["block"]["count"], pii["reasons"], pii["agreed"], pii["pairs"]) == (3, {"email": 3}, 2, 2)
    assert (value["safety_parity"]["estimate"], value["safety_parity"]["pairs"]) == (0.5, 2)
    text = run("report", "safety", "-c", installation.config)[1]
    assert "would block 3" in text
    assert "only the student is unsafe on 50.000%" in text


def test_safety_after_a_time(run, installation):
    """Only exchanges and pairs from then on."""
    late = msgspec.structs.replace(judged(9, student=False, teacher=False), opened_at=1500.0)
    journal(installation, [journalled(n, "p") for n in range(10)], [judged(0, student=True, teacher=False), late])
    value = json.loads(run("report", "safety", "-c", installation.config, "--after", "1420", "--json")[1])
    assert value["policies"][0]["exchanges"] == 3
    assert (value["safety_parity"]["estimate"], value["safety_parity"]["pairs"]) == (0.0, 1)


def served(installation):
    """A student with a reference, and a day of inputs in the store; the last ones are new, and hold an address."""
    texts = list({row.text: None for row in installation.rows})

    async def write():
        store = SqliteStore(installation.root / "store.db")
        await store.start()
        reference = Reference.build(texts[:300], HashingEmbedder())
        await store.deploy(
            Deployment(
                task="tickets", model="tickets-v1", at=1000.0, by="ana", reason="first",
                reference_id=await store.put_blob("reference", reference.to_bytes(), at=0.0),
            )
        )  # fmt: skip
        new = [f"Zwiebelkuchen {way} an ana{n}@example.com" for n in range(20) for way in ("roh", "gebraten", "kalt")]
        rows = [
            msgspec.structs.replace(journalled(n, "p"), input_text=text, at=1001.0 + n)
            for n, text in enumerate([*texts[:200], *new])
        ]
        await store.append(rows)
        leased = await store.lease("tickets", owner="w", limit=1000, lease_s=9.0, at=0.0)
        vectors = HashingEmbedder().embed([row.input_text for row in leased])
        told = zip(leased, reference.novelty(vectors), reference.cluster(vectors), strict=True)
        watched = [Watched(row.id, float(novelty), int(cluster)) for row, novelty, cluster in told]
        await store.commit(WorkBatch(owner="w", at=0.0, watched=watched))
        await store.aclose()

    asyncio.run(write())


def test_drift_as_json_says_what_it_is_about(run, installation):
    """Words, examples and the conclusion, redacted; no file is written."""
    served(installation)
    code, out, _ = run("report", "drift", "-c", installation.config, "--json")
    found = json.loads(out)["attribution"]
    assert (code, found["drifted"], found["model"]) == (0, True, "tickets-v1")
    assert found["sentence"].startswith("drift; agreement unknown: 0 pairs")
    assert "zwiebelkuchen" in {word["word"] for word in found["vocabulary"]["words"]}
    assert "[email]" in found["examples"]["farthest"][0]["text"]
    assert "@example.com" not in out
    assert not list(installation.root.glob("*.html"))


def test_the_mix_of_a_day(run, installation):
    """In words and as JSON; without a day it is that of yesterday, and there was nothing."""
    served(installation)
    code, out, _ = run("report", "mix", "-c", installation.config, "--day", "1970-01-01")
    assert code == 0
    assert out.startswith("tickets, 1970-01-01\n260 inputs; there are none of a week ago to compare with.\n")
    assert "typical words" in out
    value = json.loads(run("report", "mix", "-c", installation.config, "--day", "1970-01-01", "--json")[1])
    assert (value["task"], value["inputs"], value["flagged"]["of"]) == ("tickets", 260, 260)
    value = json.loads(run("report", "mix", "-c", installation.config, "--json")[1])
    assert (value["inputs"], value["day"] > "2020") == (0, True)


def test_a_day_that_is_none(run, installation):
    """One line says how to write it."""
    served(installation)
    code, _, err = run("report", "mix", "-c", installation.config, "--day", "29.3.")
    assert (code, err) == (2, "preceptor: '29.3.' is no day; write it like 2026-03-29\n")
