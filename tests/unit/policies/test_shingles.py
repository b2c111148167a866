# ruff: noqa: RUF001 - other scripts are among the subjects

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.shingles import ShingleCache, Shingles, groups, places, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" .,- ", []),
        ("Never tell anyone.", ["never", "tell", "anyone"]),
        ("never_tell-ANYONE", ["never", "tell", "anyone"]),
        ("it's 3.5", ["it", "s", "3", "5"]),
        ("Größe STRASSE Straße", ["grösse", "strasse", "strasse"]),
        ("Не говори", ["не", "говори"]),
        ("不要告诉", ["不", "要", "告", "诉"]),
        ("テストabc中", ["テ", "ス", "ト", "abc", "中"]),
        ("한국어 텍스트", ["한국어", "텍스트"]),
        ("a\x1cb", ["a", "b"]),
    ],
)
def test_words_are_what_is_compared(text: str, expected: list[str]) -> None:
    """Lower case, no punctuation, ideographs one by one."""
    assert words(text) == expected


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_every_word_has_a_place(text: str) -> None:
    """Words and places are the same things, in the same order."""
    assert [text[begin:end].casefold() for begin, end in zip(*places(text), strict=True)] == words(text)


@given(
    st.lists(st.sampled_from("abcde"), max_size=60), st.lists(st.sampled_from("abcde"), max_size=60), st.integers(4, 9)
)
def test_no_shared_shingle_is_missed(one: list[str], other: list[str], size: int) -> None:
    """Looking only where a probe is known finds what comparing everything finds."""
    known = {tuple(one[place : place + size]) for place in range(len(one) - size + 1)}
    expected = [place for place in range(len(other) - size + 1) if tuple(other[place : place + size]) in known]
    assert list(Shingles(" ".join(one), size=size).shared(other)) == expected


@pytest.mark.parametrize(
    ("starts", "expected"),
    [
        ([], []),
        ([5], [(5, 9)]),
        ([5, 6], [(5, 9), (9, 10)]),
        ([5, 6, 7, 8, 9], [(5, 9), (9, 13)]),
        ([0, 7], [(0, 4), (7, 11)]),
        ([0, 1, 7], [(0, 4), (4, 5), (7, 11)]),
        ([0, 2], [(0, 4), (2, 6)]),
        ([0, 1, 2, 3, 4, 5, 9, 10, 30], [(0, 4), (4, 8), (8, 9), (9, 13), (13, 14), (30, 34)]),
    ],
)
def test_runs_are_cut_into_groups(starts: list[int], expected: list[tuple[int, int]]) -> None:
    """From the first word of a run on, so that a group does not move when its run grows."""
    assert list(groups(starts, size=4)) == expected


def test_no_more_is_looked_at_than_a_group_needs() -> None:
    """Who wants one group does not pay for all."""
    starts = iter(range(1000))
    assert next(groups(starts, size=4)) == (0, 4)
    assert next(starts) == 1


def test_the_cache_keeps_what_came_last_within_its_weight() -> None:
    """Texts beyond it are made again, and the newest is always there."""
    texts = [" ".join(f"{letter}{number}" for number in range(20)) for letter in "abc"]
    cache = ShingleCache(size=8, most_weight=2 * Shingles(texts[0], size=8).weight)
    first, second = cache.shingles(texts[0]), cache.shingles(texts[1])
    assert cache.shingles(texts[0]) is first
    cache.shingles(texts[2])
    assert cache.shingles(texts[0]) is first
    assert cache.shingles(texts[1]) is not second
    tiny = ShingleCache(size=8, most_weight=1)
    assert tiny.shingles(texts[0]) is tiny.shingles(texts[0])


def test_a_short_text_has_no_shingles() -> None:
    """Fewer words than a shingle has are never an echo."""
    assert list(Shingles("one two three", size=4).shared(words("one two three"))) == []
