from __future__ import annotations

import pytest
import re2

from policies import tags


@pytest.mark.parametrize(
    ("found", "tag"),
    [
        ("<script>", True),
        ("t<Object>", False),
        ("t<Script>", True),
        ("t<SCRIPT>", True),
        ("t<object>", True),
        ("t<Object data=x>", True),
        (" <Object>", True),
        ("t<Svg>", True),
    ],
)
def test_type_arguments_are_no_tags(found: str, tag: bool) -> None:
    """Behind a name, in the spelling of a type, without attributes, and nothing that runs alone."""
    assert tags.is_tag(found) is tag


@pytest.mark.parametrize("word", ["javascript:", "vbscript:", "livescript:"])
def test_a_script_url_may_be_written_in_any_mixture(word: str) -> None:
    """Each letter as itself or escaped, with what browsers skip between them; group 1 ends with the colon."""
    disguised = "\t".join(letter if place % 2 else f"&#{ord(letter)};" for place, letter in enumerate(word))
    match = re2.search(tags.SCRIPT_URL, f"x {disguised}alert(1) y")
    assert match is not None
    assert match.group(1) == disguised
    assert match.group() == f"{disguised}alert(1)"


def test_a_blank_behind_the_colon_is_prose_unless_a_target_is_expected() -> None:
    """Languages have names."""
    assert re2.search(tags.SCRIPT_URL, "JavaScript: a language") is None
    assert re2.search(tags.EXPECTED_SCRIPT_URL, 'href="javascript: alert(1)"') is not None


@pytest.mark.parametrize("letter", ["\x00", "\t", "\n", "\r", "\x85", " ", "a"])
def test_white_space_is_no_control_character(letter: str) -> None:
    """NUL separates texts in the prefilter, and would make it look at every answer of several choices."""
    assert re2.search(tags.CONTROL, letter) is None
