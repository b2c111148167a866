"""Answers: what the policies see, and how other texts get in their place."""

from __future__ import annotations

from domain.records import Usage
from gateway.answers import Answer, Choice, add_piece


def test_an_answer_without_choices_has_no_subject():
    """No choices, no texts."""
    assert Answer(()).subject("").texts == ()
    assert Choice(0).content == ""


def test_slots_stand_as_the_texts_do():
    """The slot of each text of the subject is known, and an empty content has one, too."""
    answer = Answer((Choice(0, {"content": "a", "refusal": "b"}), Choice(3, {"tool_calls.0": "c"})))
    assert answer.subject("in").texts == ("a", "b", "", "c")
    assert answer.slots == [(0, "content"), (0, "refusal"), (3, "content"), (3, "tool_calls.0")]
    assert answer.subject("in").answers == (0,)


def test_changed_texts_take_their_places():
    """What differs is named by its slot, and put in without touching the rest."""
    answer = Answer((Choice(0, {"content": "a", "refusal": "b"}, "stop"), Choice(1, {"content": "a"})), Usage(1, 2))
    changed = answer.changes(("a", "x", "y"))
    assert changed == {(0, "refusal"): "x", (1, "content"): "y"}
    sent = answer.with_texts(changed)
    assert sent.subject("").texts == ("a", "x", "y")
    assert (sent.usage, sent.choices[0].finish_reason) == (Usage(1, 2), "stop")


def test_a_silenced_answer_has_no_text():
    """Nothing of the texts is left; indices and usage are."""
    silent = Answer((Choice(2, {"content": "a"}, "stop"),), Usage(1, 2)).silenced()
    assert silent == Answer((Choice(2, {}, "content_filter"),), Usage(1, 2))


def test_pieces_of_a_text_are_joined_as_they_become_many():
    """Nothing is lost or moved, and a long answer is not kept as one object for each token."""
    pieces = []
    for number in range(5000):
        add_piece(pieces, f"{number} ")
    assert "".join(pieces) == "".join(f"{number} " for number in range(5000))
    assert len(pieces) <= 513
