from __future__ import annotations

import pytest

from policies.secrets.randomness import no_placeholder, random_enough, random_key, random_token

HEX = "3f9a0c7be1d2486f5a9c0b7d3e1f2a4c"


@pytest.mark.parametrize(
    ("text", "written", "enough", "token", "key"),
    [
        (HEX, True, True, True, True),
        ("tr0ub4dor&3", True, True, True, True),
        ("changeme1", True, True, True, False),
        ("changemenow", True, False, True, False),
        ("change-me-now", True, False, False, False),
        ("Change-Me-Now", True, False, True, False),
        ("aaaaaaa1", True, False, False, False),
        ("12345678901234", True, True, True, False),
        ("xxxxxxxxxxxx", False, False, False, False),
        ("****", False, False, False, False),
        ("${PASSWORD_1234}", False, False, False, False),
        ("$OPENAI_API_KEY2", False, False, False, False),
        ("$up3rS3cret!", True, True, True, True),
        ("<your-password-1>", False, False, False, False),
        ("{{ vault_secret_1 }}", False, False, False, False),
        ("example-key-123456", False, False, False, False),
        ("password", False, False, False, False),
        (HEX + "x" * 1000, True, True, True, True),
        ("x" * 40 + HEX, False, False, False, False),
    ],
)
def test_secrets_are_told_from_words(text: str, written: bool, enough: bool, token: bool, key: bool) -> None:
    """The less stands around a secret, the more random it must be itself; a template's variable never is one."""
    assert (no_placeholder(text), random_enough(text), random_token(text), random_key(text)) == (
        written,
        enough,
        token,
        key,
    )
