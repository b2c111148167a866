from __future__ import annotations

import pytest

from monitors.languages import language


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Where is the card that I ordered last week?", "en"),
        ("Wo ist die Karte, die ich letzte Woche bestellt habe?", "de"),
        ("Où est la carte que j'ai commandée la semaine dernière ?", "fr"),
        ("¿Dónde está la tarjeta que pedí la semana pasada?", "es"),
        ("我上周订购的卡在哪里", "zh"),
        ("", "none"),
        ("   ", "none"),
        ("cancel my subscription", "none"),
        ("0049 30 1234567", "none"),
        ("\U0001f600\U0001f680", "none"),
    ],
)
def test_the_language_of_a_sentence(text: str, code: str) -> None:
    """A whole sentence is recognised; what has no letters has no language."""
    assert language(text) == code


def test_only_the_beginning_of_a_book_is_read() -> None:
    """A text of megabytes costs what a paragraph costs, and its end changes nothing."""
    english = "Where is the card that I ordered last week? " * 20
    assert language(english + "Wo ist die Karte? " * 200_000) == "en"
