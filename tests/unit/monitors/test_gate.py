from __future__ import annotations

import random

import msgspec
import pytest

from domain.errors import PreceptorError
from monitors.gate import LEAST, learn
from policies.gate import CEILING, LONGEST, Gate
from tests.unit.policies.gate_samples import FOREIGN, INPUTS, MODEL, VOCABULARY


def varied():
    """The inputs with up to six words of any kind after them."""
    chance = random.Random(4)
    return [f"{text} {' '.join(chance.choices(VOCABULARY, k=chance.randrange(7)))}" for text in INPUTS]


VARIED = varied()


def learned(texts, **changes):
    """A gate of the shop's words."""
    return learn(texts, **({"task": "shop", "vocabulary": VOCABULARY, "source": "words"} | changes))


def test_it_says_what_it_was_learned_from():
    """Task, number and hash of the inputs, whose vocabulary, and the share stand in the file."""
    assert (MODEL.task, MODEL.inputs, MODEL.vocabulary) == ("shop", len(INPUTS), "a list of words")
    assert MODEL.over_block == 0.006
    assert MODEL.longest == LONGEST
    assert learned(INPUTS[1:]).inputs_sha256 != MODEL.inputs_sha256
    assert learned(INPUTS, vocabulary=VOCABULARY[1:]).vocabulary_sha256 != MODEL.vocabulary_sha256


def test_the_same_inputs_give_the_same_gate():
    """Learning is pure: no clock, no chance."""
    assert learn(INPUTS, task="shop", vocabulary=VOCABULARY, source="a list of words") == MODEL


@pytest.mark.parametrize("over_block", [0.02, 0.05, 0.1])
def test_the_allowed_share_of_new_inputs_is_taken_for_others(over_block):
    """Inputs that the gate has not seen exceed its threshold about as often as was allowed."""
    shuffled = random.Random(5).sample(VARIED, len(VARIED))
    known, new = shuffled[:800], shuffled[800:]
    gate = Gate(learned(known, over_block=over_block))
    assert gate.model.threshold > CEILING
    expected = over_block * len(new)
    assert expected / 5 <= sum(map(gate.foreign, new)) <= expected + 3 * expected**0.5


def test_a_larger_share_lowers_the_threshold_and_changes_nothing_else():
    """How much is let go is decided by the threshold alone."""
    strict, loose = learned(VARIED, over_block=0.1), learned(VARIED, over_block=0.005)
    assert strict.threshold < loose.threshold
    assert msgspec.structs.replace(strict, threshold=0, over_block=0) == msgspec.structs.replace(
        loose, threshold=0, over_block=0
    )


def test_one_word_is_never_enough():
    """Inputs of one mould leave no evidence above zero, and still a single new word is let through."""
    assert max(map(Gate(MODEL).evidence, INPUTS)) == 0
    assert MODEL.threshold == CEILING
    assert not Gate(MODEL).foreign("hello")


def test_other_topics_carry_more_evidence_than_any_input():
    """The order of texts by evidence is that of their distance from the task."""
    gate = Gate(MODEL)
    assert min(map(gate.evidence, FOREIGN)) > max(map(gate.evidence, INPUTS))


def test_a_task_with_names_expects_new_names():
    """Where inputs hold words that come once, a new such word says little; elsewhere it says much."""
    names = [f"{text} for {random.Random(number).randbytes(4).hex().translate(LETTERS)}" for number, text in ROWS]
    with_names, without = learned(names), MODEL
    text = "I want to track my order today for xqzzy"
    assert Gate(with_names).evidence(text) < Gate(without).evidence(text)
    assert not Gate(with_names).foreign(text)


LETTERS = str.maketrans("0123456789", "ghijklmnop")
ROWS = list(enumerate(INPUTS[:700]))


def test_longer_inputs_raise_the_length_that_is_judged():
    """Twice the longest input is judged, but never less than the usual length."""
    assert learned([*INPUTS, "track my order " * 400]).longest == 2 * len("track my order " * 400)


def test_repeats_and_spellings_count_once():
    """Ten thousand copies of one input are one input."""
    assert learned([*INPUTS, *(text.upper() for text in INPUTS)]).inputs == len(INPUTS)


@pytest.mark.parametrize(
    ("texts", "changes", "problem"),
    [
        (INPUTS[: LEAST - 1], {}, "at least 500 different inputs, there are 499"),
        (INPUTS[:20] * 100, {}, "there are 20"),
        ([], {}, "there are 0"),
        (INPUTS, {"over_block": 0.001}, "at least 2000 different"),
        (INPUTS, {"vocabulary": []}, "words has no vocabulary"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(texts, changes, problem):
    """A threshold needs enough different inputs, and evidence needs a language."""
    with pytest.raises(PreceptorError, match=problem):
        learned(texts, **changes)


def test_odd_texts_are_learned_from():
    """Inputs without words, with emoji or in another script are no trap."""
    odd = ["", "\U0001f600", "\ud800", "\u65e5\u672c\u8a9e", "123 456", "\u0301"]
    gate = Gate(learned([*INPUTS, *odd]))
    assert gate.evidence("\u65e5\u672c\u8a9e") == 0
