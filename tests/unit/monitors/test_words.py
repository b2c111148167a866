from __future__ import annotations

import itertools

import numpy as np
import pytest

from monitors.words import cluster_names, telling, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", set()),
        ("Where IS my parcel, my parcel?", {"where", "is", "my", "parcel"}),
        ("I don't know x 12345 a-b", {"don't", "know"}),
        ("write to [email] or [us_ssn]", {"write", "to", "[email]", "or", "[us_ssn]"}),
        ("Zwiebelkuchen für Ñandú", {"zwiebelkuchen", "für", "ñandú"}),
        ("注文を", {"注文", "文を"}),
    ],
)
def test_words_of_a_text(text, expected):
    """Letters make words, whatever the script; numbers and single letters do not; a redaction stays in one piece."""
    assert words(text) == expected


def sentences(subject, count=40, *, seed=0):
    """Different texts about a subject, in plain English."""
    starts, ends = ("please tell me about", "i need the", "where is the"), ("for my order", "of the week", "today")
    rng = np.random.default_rng(seed)
    middles = ["red", "blue", "green", "small", "large", "late", "early", "lost", "new", "old"]
    rows = [" ".join(parts) for parts in itertools.product(starts, middles, [subject], ends)]
    return [rows[place] for place in rng.permutation(len(rows))[:count]]


def test_the_new_word_comes_first_and_stop_words_stay_out():
    """What both sides say equally often tells nothing, however frequent it is."""
    found = telling(sentences("passport") + sentences("refund", 40), sentences("refund", 80))
    assert [each.word for each in found] == ["passport"]
    assert (found[0].texts, found[0].others) == (40, 0)


def test_equal_texts_tell_nothing():
    """Two draws from the same texts have no telling word; nor has a side without texts."""
    assert telling(sentences("refund", 60, seed=1), sentences("refund", 60, seed=2)) == ()
    assert telling([], sentences("refund")) == ()
    assert telling(sentences("refund"), []) == ()


@pytest.mark.parametrize(
    ("texts", "shown"),
    [
        (["send it to quxley"] * 50, False),  # one text, sent often
        ([f"send it to quxley {number}" for number in range(50)], False),  # near-duplicates
        (["ask quxley", "call quxley"], False),
        (["ask quxley", "call quxley", "meet quxley", "thank quxley"], True),
    ],
)
def test_a_word_of_one_person_is_not_shown(texts, shown):
    """A word must be in three different texts."""
    found = telling(texts, sentences("refund", 60))
    assert any(each.word == "quxley" for each in found) == shown


def test_one_word_alone_is_no_error():
    """Texts that were hidden whole leave a single word on both sides."""
    assert telling(["[hidden]"] * 9, ["[hidden]"] * 9) == ()


def test_the_same_texts_give_the_same_words():
    """Whatever the order of the texts, and of equally telling words."""
    texts = [f"alpha beta {word}" for word in ("red", "blue", "green", "lost")]
    found = telling(texts, sentences("refund", 60))
    assert found == telling(texts[::-1], sentences("refund", 60)[::-1])
    assert [each.word for each in found] == ["alpha", "beta"]


def test_clusters_are_named_by_what_tells_them_apart():
    """Three words at most; a cluster with too few texts has no name."""
    texts = [*sentences("refund"), *sentences("passport"), "hello"]
    names = cluster_names(texts, [1] * 40 + [7] * 40 + [9])
    assert (names[1], names[7], names[9]) == (("refund",), ("passport",), ())
