from __future__ import annotations

import numpy as np
import pytest

from domain.records import Pair, PairState
from monitors.slices import Slice, SliceAgreement, compare, in_words, of_input, of_pair, worst
from tests.unit.monitors.samples import exchange, paired

LABELS = frozenset({"refund", "cancel"})


def rows(count: int, *, wrong: int, slices: tuple[Slice, ...], probability: float = 0.1) -> list:
    """Pairs of the same slices, `wrong` of them disagreements."""
    return [(paired(n, agreed=n >= wrong, probability=probability), slices) for n in range(count)]


def test_a_pair_belongs_to_one_slice_of_each_dimension():
    """Language and length of the input, the reference's cluster, the tenant, and the teacher's label."""
    pair = paired(1, agreed=True, teacher_answer=" Refund. ", cluster=7, tenant="acme")
    assert of_pair(pair, exchange(1, "where is the money that I sent"), labels=LABELS) == (
        ("language", "en"),
        ("length", "to_32"),
        ("cluster", "7"),
        ("tenant", "acme"),
        ("label", "refund"),
    )


def test_what_is_not_known_makes_no_slice():
    """Without reference, tenant header or labels there is no such dimension; an unknown label is `other`."""
    bare = paired(1, agreed=True, teacher_answer="a long text")
    assert [each.dimension for each in of_pair(bare, exchange(1, "hi"))] == ["language", "length"]
    assert of_pair(bare, exchange(1, "hi"), labels=LABELS)[-1] == Slice("label", "other")


def test_slices_of_an_input_are_among_those_of_its_pair():
    """What is known before the teacher is asked can be planned for."""
    pair, asked = paired(1, agreed=True, cluster=3, tenant="acme"), exchange(1, "hello")
    assert set(of_input(asked, cluster=3, tenant="acme")) < set(of_pair(pair, asked, labels=LABELS))


def test_what_is_told_already_is_not_told_again():
    """The words of the descriptors stand in for language and length; the student's label among them is no slice."""
    words = {"language": "de", "length": "to_4096", "label": "cancel", "schema": "ok"}
    found = of_input(exchange(1, "where is my money"), cluster=None, tenant="", words=words)
    assert found == (("language", "de"), ("length", "to_4096"))


def test_the_worst_slice_is_named():
    """One label fails a quarter of the time, the others hardly ever: it comes first, with its numbers."""
    names = [Slice("label", name) for name in ("refund", "cancel", "status")]
    found = compare(rows(80, wrong=20, slices=(names[0],)) + [
        row for name in names[1:] for row in rows(200, wrong=6, slices=(name,))
    ])  # fmt: skip
    named = worst(found)
    assert named is not None
    assert named == found[0]
    assert (named.dimension, named.value, named.worse, named.agreement.pairs) == ("label", "refund", True, 80)
    assert (named.agreement.estimate, named.rest) == (pytest.approx(0.75), pytest.approx(0.97))
    assert named.share == pytest.approx(80 / 480)
    assert [each.worse for each in found[1:]] == [False, False]
    assert in_words(named) == (
        "label refund: 0.750 [0.645, 0.832] of 80 pairs agree, 0.970 elsewhere; 16.7% of the traffic"
    )


def test_the_worst_is_the_one_that_is_lowest_for_sure():
    """Of two that are worse, a few pairs with a lower estimate do not beat many that leave no doubt."""
    few, many, rest = Slice("tenant", "few"), Slice("tenant", "many"), Slice("tenant", "rest")
    found = compare(
        rows(21, wrong=9, slices=(few,)) + rows(600, wrong=230, slices=(many,)) + rows(900, wrong=30, slices=(rest,))
    )
    assert {each.value for each in found if each.worse} == {"few", "many"}
    assert found[0].agreement.estimate > min(each.agreement.estimate for each in found)
    named = worst(found)
    assert named is not None
    assert named.value == "many"


@pytest.mark.parametrize(("inside", "outside", "count"), [(19, 500, 0), (20, 500, 1), (500, 19, 0), (500, 20, 1)])
def test_a_slice_needs_twenty_pairs_and_so_does_its_rest(inside, outside, count):
    """Below that nothing is said, however bad it looks."""
    slices = (Slice("tenant", "acme"),)
    found = compare(rows(inside, wrong=inside, slices=slices) + rows(outside, wrong=0, slices=()))
    assert len(found) == count
    assert all(each.worse for each in found)


def test_pairs_count_by_their_weight():
    """A slice whose disagreements are all of the oversampled inputs is as good as traffic is."""
    acme, rest = Slice("tenant", "acme"), Slice("tenant", "rest")
    found = compare(
        rows(60, wrong=30, slices=(acme,), probability=1.0)
        + rows(100, wrong=0, slices=(acme,), probability=0.01)
        + rows(500, wrong=10, slices=(rest,), probability=0.01)
    )
    estimates = {each.value: each.agreement.estimate for each in found}
    assert estimates["acme"] == pytest.approx(1 - 30 / (60 + 10_000))
    assert worst(found) is None


def test_only_compared_pairs_count():
    """Samples that ended without a comparison belong to no slice; without any there is nothing to say."""
    slices = (Slice("tenant", "acme"),)
    failed: Pair = paired(1, agreed=False, state=PairState.TEACHER_ERROR)
    assert compare([(failed, slices)] * 100) == []
    assert compare([]) == []
    assert worst([]) is None
    assert compare([(failed, slices)] * 100 + rows(500, wrong=0, slices=())) == []


def simulated(rng: np.random.Generator, *, bad: int) -> list[SliceAgreement]:
    """1,500 pairs at 95 %, sampled with two rates; 20 labels, of which `bad` agree at 70 %, and three other dimensions.

    The other dimensions do not depend on the label, so they have no effect to be found.
    """
    size = 1500
    drawn = {"label": rng.integers(20, size=size), "cluster": rng.geometric(0.1, size), "tenant": rng.zipf(1.6, size)}
    drawn["language"] = drawn["tenant"] % 4  # nested in the tenants
    agreed = rng.random(size) < np.where(drawn["label"] < bad, 0.70, 0.95)
    chance = rng.choice([0.02, 0.1], size)
    names = [tuple(Slice(each, str(values[n])) for each, values in drawn.items()) for n in range(size)]
    pairs = [paired(n, agreed=bool(agreed[n]), probability=float(chance[n])) for n in range(size)]
    return compare(list(zip(pairs, names, strict=True)))


@pytest.mark.slow
def test_few_of_the_slices_that_are_called_worse_are_not():
    """Without any effect a false name comes in at most a tenth of 100 runs; with three bad labels, 10 % are false."""
    rng = np.random.default_rng(3)
    runs = [simulated(rng, bad=0) for _ in range(100)]
    assert sum(any(each.worse for each in found) for found in runs) <= 10
    shares, caught = [], 0
    for _ in range(60):
        named = [(each.dimension, each.value) for each in simulated(rng, bad=3) if each.worse]
        true = [each for each in named if each in {("label", "0"), ("label", "1"), ("label", "2")}]
        shares.append(1 - len(true) / max(len(named), 1) if named else 0.0)
        caught += len(true)
    assert np.mean(shares) <= 0.10
    assert caught >= 90  # of 180: the test finds something
