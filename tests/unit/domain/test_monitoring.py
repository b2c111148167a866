from __future__ import annotations

from typing import Any

import msgspec
import pytest

from domain.monitoring import AgreementSettings, DriftSettings, ShadowSettings, TeacherCheckSettings


@pytest.mark.parametrize(
    ("section", "value", "problem"),
    [
        (ShadowSettings, {"rate": 0.2, "flagged_rate": 0.1}, "flagged_rate must be at least rate"),
        (ShadowSettings, {"rate": 0.2, "flagged_rate": 0.2, "unsure_rate": 0.1}, "unsure_rate must be at least"),
        (ShadowSettings, {"rate": 0.2, "flagged_rate": 0.2, "slice_rate": 0.1}, "slice_rate must be at least"),
        (ShadowSettings, {"expire": "soon"}, "soon"),
        (AgreementSettings, {"comparer": "judge"}, "comparer judge needs judge"),
        (AgreementSettings, {"window": 5}, ">= 20"),
        (AgreementSettings, {"json_fields": {"tolerance": -1}}, ">= 0"),
        (DriftSettings, {"detector": "guess"}, "guess"),
        (TeacherCheckSettings, {"prompts": "p.jsonl", "every": "1s"}, "every must be at least 1m"),
    ],
)
def test_bad_values_are_refused_in_words(section: type, value: dict[str, Any], problem: str) -> None:
    """Rates that contradict each other, unknown names and times that are none never reach a monitor."""
    with pytest.raises(msgspec.ValidationError, match=problem):
        msgspec.convert(value, section)


def test_live_tasks_are_watched_by_the_hour() -> None:
    """The default budget is one in days, whatever the traffic is like."""
    assert DriftSettings().detector == AgreementSettings().detector == "windowed"
