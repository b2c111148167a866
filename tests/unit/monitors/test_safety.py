from __future__ import annotations

import pytest

from domain.records import Arm, Stage, Verdict
from monitors.safety import Safety, Stopped
from tests.unit.monitors.samples import UNCHECKED, LeakChecks, decision, exchange

ALLOW, FLAG, REDACT, FALLBACK, BLOCK = Verdict
STUDENTS = {Arm.CHAMPION: "v1", Arm.CHALLENGER: "v9"}
SAFETY = Safety(LeakChecks("pii", "secrets"))
TEACHER, CHALLENGER = Arm.TEACHER, Arm.CHALLENGER
FELL_BACK = {"arm": TEACHER, "model": "gold", "usable": False}
KEPT = {"usable": False}  # the student's answer, blocked or redacted


@pytest.mark.parametrize(
    ("fields", "decisions", "expected"),
    [
        # what a safety check stopped
        (KEPT, [decision("pii", BLOCK)], Stopped("v1", True, None)),
        (KEPT, [decision("pii", REDACT)], Stopped("v1", True, None)),
        (KEPT, [decision("pii", FLAG), decision("secrets", BLOCK)], Stopped("v1", True, None)),
        (KEPT, [decision("x", BLOCK, None), decision("pii", BLOCK)], Stopped("v1", True, None)),  # x: of the input
        (KEPT | {"arm": CHALLENGER, "model": "v9"}, [decision("pii", BLOCK, CHALLENGER)], Stopped("v9", True, None)),
        # fallbacks: the teacher's answer was judged, too
        (FELL_BACK, [decision("pii", FALLBACK)], Stopped("v1", True, False)),
        (FELL_BACK, [decision("pii", FALLBACK), decision("pii", FLAG, TEACHER)], Stopped("v1", True, True)),
        (FELL_BACK, [decision("pii", FALLBACK), decision("pii", BLOCK, TEACHER)], Stopped("v1", True, True)),
        (FELL_BACK, [decision("pii", FALLBACK), decision("markup", REDACT, TEACHER)], Stopped("v1", True, False)),
        (FELL_BACK, [decision("pii", FALLBACK), decision("label", FALLBACK, TEACHER)], Stopped("v1", True, None)),
        (
            FELL_BACK,
            [decision("pii", FALLBACK), decision("pii", FLAG, TEACHER, failed=True)],
            Stopped("v1", True, None),
        ),
        (FELL_BACK | {"status": 502}, [decision("pii", FALLBACK)], Stopped("v1", True, None)),
        (FELL_BACK, [decision("pii", FALLBACK, CHALLENGER)], Stopped("v9", True, False)),
        (FELL_BACK, [decision("pii", FALLBACK, CHALLENGER), decision("pii", FALLBACK)], Stopped("v1", True, False)),
        # stopped for another reason, but judged: counts whatever the safety checks found
        (KEPT, [decision("markup", REDACT)], Stopped("v1", False, None)),
        (KEPT, [decision("markup", REDACT), decision("pii", FLAG)], Stopped("v1", True, None)),
        (KEPT, [decision("markup", REDACT), decision("pii", BLOCK, shadow=True)], Stopped("v1", True, None)),
        # its safety was not judged to the end: never counts, whatever the safety checks found
        (FELL_BACK, [decision("label", FALLBACK)], None),
        (FELL_BACK, [decision("label", FALLBACK), decision("pii", BLOCK, shadow=True)], None),
        (FELL_BACK, [decision("pii", FLAG), decision("label", FALLBACK)], None),
        (FELL_BACK, [decision("cascade", FALLBACK)], None),
        (KEPT, [decision("pii", BLOCK, failed=True)], None),
        (KEPT, [decision("secrets", FLAG, failed=True), decision("pii", BLOCK)], None),
        (KEPT, [decision("moderation", BLOCK)], None),  # a check that waits is not among those asked off path
        # not stopped by a policy
        (KEPT, [], None),
        (KEPT, [decision("pii", FLAG)], None),  # the client left
        (KEPT, [decision("pii", BLOCK, shadow=True)], None),
        (FELL_BACK, [decision("injection", FALLBACK, None)], None),  # of the input: no student was asked
        (FELL_BACK, [decision("pii", FLAG, TEACHER)], None),  # the student could not be reached
        ({"arm": Arm.NONE, "usable": False}, [decision("pii", BLOCK, None)], None),
        ({}, [decision("pii", FLAG)], None),  # usable: a pair like any other
    ],
)
def test_what_policies_stopped_is_judged_by_what_was_decided(fields, decisions, expected):
    """A stopped answer counts if its safety was judged, and that never depends on what was found."""
    row = exchange(1, "text", decisions=tuple(decisions), **fields)
    assert SAFETY.stopped(row, STUDENTS) == expected
    assert UNCHECKED.stopped(row, STUDENTS) is None


def test_a_fallback_of_a_student_that_nobody_knows_does_not_count():
    """Another student may have served when the exchange took place."""
    row = exchange(1, "text", decisions=(decision("pii", FALLBACK),), **FELL_BACK)
    assert SAFETY.stopped(row, {}) is None


def test_an_answer_is_judged_with_what_it_may_be_compared_with():
    """Input and instructions go along, as on path; it is the content of the first choice."""
    checks = LeakChecks("pii")
    row = exchange(1, "my input", request=b'{"messages": [{"role": "system", "content": "Be brief."}]}')
    assert Safety(checks).unsafe(row, "a leak") is True
    assert Safety(checks).unsafe(row, "fine") is False
    asked = checks.asked[0]
    assert (asked.stage, asked.texts, asked.answers) == (Stage.OUTPUT, ("a leak",), (0,))
    assert (asked.input_text, asked.instructions) == ("my input", "Be brief.")
    assert (asked.kinds, asked.choices) == (("content",), (0,))


def test_without_safety_checks_nothing_is_said():
    """Neither safe nor unsafe."""
    assert not UNCHECKED
    assert UNCHECKED.unsafe(exchange(1, "text"), "leak") is None
