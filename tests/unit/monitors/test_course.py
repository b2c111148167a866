from __future__ import annotations

import pytest

from domain.follow_up import Recheck, RecheckKind
from domain.records import PairState
from monitors import slices
from monitors.course import Course
from tests.unit.monitors.samples import TASK, exchange, paired, settings

CALM, WORST = "short", "a text that is longer than sixty-four characters, as this one is for sure, by some"


def rows(count: int, *, text: str = CALM, agreed: bool = True, start: int = 0, **fields):
    """Pairs of one kind, with their exchanges."""
    tenant = fields.pop("tenant", "")
    return [
        (
            paired(number, agreed=agreed, teacher_answer="refund", tenant=tenant, **fields),
            exchange(number, text, tenant=tenant),
        )
        for number in range(start, start + count)
    ]


def recheck(number: int, *, agreed: bool, teacher: str = "gold") -> Recheck:
    """A second answer."""
    return Recheck(
        id=f"self-{number}", task=TASK, kind=RecheckKind.SELF, key=f"{number}", at=1.0, teacher=teacher,
        agreed=agreed, probability=0.1,
    )  # fmt: skip


@pytest.fixture
def course() -> Course:
    """Of a task with labels."""
    return Course(settings())


def test_a_slice_that_agrees_less_is_named(course):
    """The worst for sure first; what agrees as elsewhere is not among them."""
    assert (course.worse, course.ceiling) == ([], None)
    course.start([*rows(200), *rows(60, agreed=False, tenant="acme", start=300)], [])
    assert course.worse[0].dimension == slices.TENANT
    assert course.worse[0].value == "acme"
    assert course.worse[0].agreement.estimate == 0.0


def test_an_input_of_the_worst_slice_is_known_by_itself(course):
    """By tenant, cluster, length or language; inputs of other slices are not asked about more often."""
    course.start([*rows(200), *rows(60, agreed=False, tenant="acme", start=300)], [])
    words = {"length": "to_16", "language": "none"}
    assert course.in_worst(exchange(1, CALM, tenant="acme"), cluster=None, words=words)
    assert not course.in_worst(exchange(1, CALM, tenant="other"), cluster=0, words=words)
    assert not course.in_worst(exchange(1, CALM), cluster=None, words=words)


def test_a_cluster_may_be_the_worst(course):
    """An input that was not embedded belongs to none."""
    course.start([*rows(200, cluster=1), *rows(60, agreed=False, cluster=2, start=300)], [])
    found = [course.in_worst(exchange(1, CALM), cluster=cluster, words={}) for cluster in (2, 1, None)]
    assert found == [True, False, False]


def test_the_label_of_the_teacher_is_not_known_before_it_is_asked(course):
    """A label may be the worst slice, and is named; inputs are told by the worst of the others."""
    bad = [(paired(n, agreed=False, teacher_answer="cancel"), exchange(n, CALM)) for n in range(300, 360)]
    mixed = [row for n in range(40) for row in rows(1, agreed=n % 3 == 0, tenant="acme", start=400 + n)]
    course.start([*rows(200), *bad, *mixed], [])
    assert (course.worse[0].dimension, course.worse[0].value) == ("label", "cancel")
    assert not course.in_worst(exchange(1, CALM, output_text="cancel"), cluster=None, words={})
    assert course.in_worst(exchange(1, CALM, tenant="acme"), cluster=None, words={})


def test_slices_are_compared_again_after_fifty_pairs(course):
    """Not for each pair, which would cost more than the pair; those without a verdict do not count."""
    course.start(rows(200), [])
    course.take(rows(49, text=WORST, agreed=False, start=300), [])
    course.take(rows(40, agreed=None, state=PairState.TEACHER_ERROR, start=400), [])
    assert course.worse == []
    course.take(rows(1, text=WORST, agreed=False, start=500), [])
    assert "length" in {each.dimension for each in course.worse}


def test_what_lies_far_back_is_forgotten(course):
    """Slices are of the newest 2,000 pairs."""
    course.start(rows(60, agreed=False, tenant="acme"), [])
    course.take(rows(2000, start=100), [])
    assert course.worse == []


def test_the_ceiling_is_of_the_teacher_that_is_configured(course):
    """How often it agrees with itself; another one's second answers say nothing about it."""
    course.start([], [recheck(number, agreed=number % 4 > 0) for number in range(40)])
    course.take([], [recheck(number, agreed=False, teacher="other") for number in range(100, 140)])
    assert course.ceiling is not None
    assert course.ceiling.estimate == pytest.approx(0.75)
    course.take([], [recheck(number, agreed=True) for number in range(200, 240)])
    assert course.ceiling.estimate == pytest.approx(0.875)


def test_it_begins_again_with_what_the_store_has(course):
    """Nothing is left from before: a batch that was rolled back does not count."""
    course.start([*rows(200), *rows(60, agreed=False, tenant="acme", start=300)], [recheck(1, agreed=True)])
    course.start(rows(200), [])
    assert (course.worse, course.ceiling) == ([], None)


def test_starting_and_going_on_are_the_same():
    """Pairs that were read at once, or taken one after the other, say the same."""
    pairs = [*rows(150), *rows(50, agreed=False, tenant="acme", start=300)]
    one, other = Course(settings()), Course(settings())
    one.start(pairs, [])
    other.start([], [])
    for each in pairs:
        other.take([each], [])
    assert one.worse == other.worse
