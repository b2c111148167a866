from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.codes import LONGEST, code, is_code


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("too_long", True),
        ("a", True),
        ("_", True),
        ("a1", True),
        ("x" * 40, True),
        ("x" * 41, False),
        ("", False),
        ("1a", False),
        ("a b", False),
        ("a-b", False),
        ("a/b", False),
        ("Email", False),
        ("ü", False),
        ("a\n", False),
        (None, False),
        (b"a", False),
        (7, False),
    ],
)
def test_only_short_lower_case_identifiers_are_codes(text: object, expected: bool) -> None:
    """Codes are told from everything else, whatever a plug-in gives."""
    assert is_code(text) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ban_list", "ban_list"),
        ("Ban-List", "ban_list"),
        ("self-harm/intent", "self_harm_intent"),
        ("EMAIL_ADDRESS", "email_address"),
        ("  a  b  ", "a_b"),
        ("x" * 60, "x" * 40),
        ("y" * 39 + " z", "y" * 39),
        ("3d", "none"),
        ("", "none"),
        ("Größe", "gr_e"),
        ("日本", "none"),
    ],
)
def test_a_name_of_others_becomes_a_code(name: str, expected: str) -> None:
    """Letters and digits stay, the rest separates; where nothing is left there is another code."""
    assert code(name, otherwise="none") == expected


@given(st.text(max_size=2 * LONGEST))
def test_whatever_the_name_is_the_result_is_a_code(name: str) -> None:
    """No name makes a code that is none, and a code stays itself."""
    made = code(name, otherwise="none")
    assert is_code(made)
    assert code(made, otherwise="none") == made
