from __future__ import annotations

import pytest

from domain.checks import AppliesTo, CheckSettings, PolicySettings
from domain.records import Verdict


@pytest.mark.parametrize(("settings", "called"), [({}, "pii"), ({"id": "cards"}, "cards")])
def test_a_check_is_called_by_its_id_or_its_name(settings: dict[str, str], called: str) -> None:
    """A policy may have one check twice."""
    assert CheckSettings(name="pii", **settings).called == called


def test_a_check_is_enforced_and_fails_to_the_teacher_unless_told_otherwise() -> None:
    """The defaults are the careful ones."""
    check = CheckSettings(name="pii")
    assert (check.mode, check.on_error, check.applies_to) == ("enforce", Verdict.FALLBACK, AppliesTo())
    assert PolicySettings() == PolicySettings(input=(), output=(), stream="", tests=())
