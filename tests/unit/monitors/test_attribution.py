from __future__ import annotations

import itertools

import msgspec
import pytest

from domain.records import Arm
from domain.store import WatchedExchange
from monitors.attribution import Attribution, attribute, grown, thinned
from monitors.reference import Reference
from monitors.standing import Standing
from tests.unit.monitors.samples import DEPLOYED_AT, NOVEL, ORDINARY, deployment, exchange, paired

NOW = DEPLOYED_AT + 10_000


@pytest.fixture(scope="module")
def reference():
    """Of the ordinary inputs, with the embedder that needs no download."""
    from embedders.hashing import HashingEmbedder

    return Reference.build(ORDINARY, HashingEmbedder())


@pytest.fixture
def watched(reference, embedder):
    """Texts as the monitors kept them, one a second from the deployment on."""

    def make(texts, *, every_s=1.0, **fields):
        vectors = embedder.embed(texts)
        rows = zip(texts, reference.novelty(vectors), reference.cluster(vectors), strict=True)
        return [
            WatchedExchange(
                exchange(number, text, **{"at": DEPLOYED_AT + 1 + every_s * number} | fields),
                float(novelty),
                int(cluster),
            )
            for number, (text, novelty, cluster) in enumerate(rows)
        ]

    return make


def found(rows, reference, pairs=(), **arguments) -> Attribution:
    """The attribution of these rows; nothing is redacted unless told."""
    base = {"deployment": deployment(), "redact": lambda text: text, "until": NOW}
    told = attribute(rows, pairs, reference=reference, **base | arguments)
    assert told is not None
    return told


def shifted():
    """168 ordinary inputs, then a third of new ones."""
    mixed = itertools.chain.from_iterable(zip(ORDINARY[::2], ORDINARY[1::2], itertools.cycle(NOVEL), strict=False))
    return [*ORDINARY, *mixed]


def test_new_inputs_are_dated_and_described(watched, reference):
    """Since when, how many, with which words, and by which examples."""
    told = found(watched(shifted()), reference)
    assert told.onset_found
    assert abs(told.since - (DEPLOYED_AT + 1 + len(ORDINARY))) <= 5
    assert (told.drifted, told.vocabulary.against) == (True, "inputs before")
    assert told.flagged.lower > told.flagged_reference
    assert {"mit"} <= {word.word for word in told.vocabulary.words}
    assert not {"please", "my", "order"} & {word.word for word in told.vocabulary.words}
    assert all(example.text in NOVEL for example in told.examples.farthest)
    far, near = ([one.novelty for one in side] for side in (told.examples.farthest, told.examples.nearest))
    assert (far, near) == (sorted(far, reverse=True), sorted(near))
    assert max(near) <= min(far)


def test_ordinary_inputs_are_no_drift(watched, reference):
    """Then the last 24 hours are told of, and nothing has grown."""
    rows = watched(ORDINARY * 3, every_s=600.0)
    told = found(rows, reference, until=rows[-1].exchange.at)
    assert (told.drifted, told.onset_found, told.clusters, told.examples.farthest) == (False, False, (), ())
    assert told.inputs == 144
    assert told.sentence.startswith("no drift; agreement unknown: 0 pairs")
    assert found(rows, reference, warned=True).sentence.startswith("drift; agreement unknown")


def test_without_inputs_before_the_flagged_are_held_against_the_others(watched, reference):
    """A drift that was there from the first input on has no before."""
    told = found(watched([text for pair in zip(ORDINARY, NOVEL * 5, strict=False) for text in pair]), reference)
    assert told.vocabulary.against == "ordinary inputs"
    assert "mit" in {word.word for word in told.vocabulary.words}


def test_a_cluster_that_grew_is_named(watched, reference, embedder):
    """With its share now and then, and without the campaign being taken for many different inputs."""
    numbers = reference.cluster(embedder.embed(ORDINARY))
    rare = int(numbers.max())
    own = [text for text, number in zip(ORDINARY, numbers, strict=True) if number == rare]
    rows = watched([*ORDINARY, *own * 10], every_s=300.0)
    told = found(rows, reference, until=rows[-1].exchange.at)
    (cluster,) = told.clusters
    assert (cluster.cluster, told.drifted) == (rare, True)
    assert cluster.change.lower > 1
    assert cluster.now.lower > cluster.reference.share
    assert cluster.different <= len(set(own)) < cluster.now.count
    assert [number for number, _, _ in grown(rows, reference)] == [rare]


def test_only_inputs_and_pairs_of_this_student_count(watched, reference):
    """Not what came before it, after the report, reached no model, was not compared, or was answered by another."""
    rows = watched(ORDINARY[:40])
    strangers = [
        msgspec.structs.replace(rows[0], exchange=exchange(900, "x", at=DEPLOYED_AT - 1)),
        msgspec.structs.replace(rows[0], exchange=exchange(901, "x", at=NOW + 1)),
        msgspec.structs.replace(rows[0], exchange=exchange(902, "x", arm=Arm.NONE)),
        msgspec.structs.replace(rows[0], novelty=None),
    ]
    pairs = [paired(number, agreed=True) for number in range(30)]
    pairs += [paired(31, agreed=False, model="v0"), paired(32, agreed=False, opened_at=NOW + 1)]
    told = found([*rows, *strangers], reference, pairs)
    assert told.inputs == 40
    assert told.outlook.agreement is not None
    assert (told.outlook.agreement.pairs, told.outlook.agreement.estimate) == (30, 1.0)
    assert attribute(strangers, [], deployment=deployment(), reference=reference, redact=str, until=NOW) is None


def test_agreement_is_that_since_the_onset(watched, reference):
    """Pairs from before the new inputs came would hide what they did to the student."""
    rows = watched(shifted())
    pairs = [paired(number, agreed=number < len(ORDINARY)) for number in range(len(ORDINARY) + 60)]
    told = found(rows, reference, pairs)
    assert told.outlook.standing is Standing.FELL
    assert told.outlook.agreement is not None
    assert told.outlook.agreement.estimate < 0.1
    assert told.outlook.flagged is not None
    assert told.outlook.flagged.estimate == 0.0


def test_everything_that_is_shown_was_redacted(watched, reference):
    """No text of a user gets into a report but through the redaction."""
    told = found(watched(shifted()), reference, redact=lambda text: "[hidden]")
    text = msgspec.json.encode(told).decode()
    assert not any(dish in text for dish in ("Zwiebelkuchen", "zwiebelkuchen", "mit", "Kraut", "parcel"))
    assert {example.text for example in (*told.examples.farthest, *told.examples.nearest)} == {"[hidden]"}


def test_long_examples_are_cut(watched, reference):
    """A report is no place for a whole letter."""
    told = found(watched([*ORDINARY, *(f"{text} {'und so weiter ' * 99}" for text in NOVEL * 2)]), reference)
    assert {len(example.text) for example in told.examples.farthest} == {200}


def test_it_can_be_kept_as_json(watched, reference):
    """The command prints it, the console may show it."""
    told = found(watched(shifted()), reference)
    assert msgspec.json.decode(msgspec.json.encode(told), type=Attribution) == told


@pytest.mark.parametrize(("rows", "left"), [(0, 0), (1, 1), (2000, 2000), (2001, 1001), (9000, 1800)])
def test_many_rows_are_thinned_evenly(rows, left):
    """Never more than 2,000, from the first to the last."""
    kept = thinned([*range(rows)])
    assert len(kept) == left
    assert len({after - before for before, after in itertools.pairwise(kept)}) <= 1
