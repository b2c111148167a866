from __future__ import annotations

import pytest

from domain.records import Arm, Decision, Exchange, PairState, Stage, Verdict
from domain.store import WorkBatch
from monitors.findings import Found, Place, Rate, findings
from tests.unit.monitors.samples import DEPLOYED_AT, TASK, decision, exchange, paired

ALLOW, FLAG, REDACT, FALLBACK, BLOCK = Verdict
SHADOW_PII = Place(Stage.OUTPUT, True, "pii")


def rows(*decisions: list[Decision], policy: str = "p1", start: int = 0) -> list[Exchange]:
    """An exchange for each list of decisions."""
    return [
        exchange(start + number, "text", decisions=tuple(each), policy=policy) for number, each in enumerate(decisions)
    ]


async def told(store, exchanges: list[Exchange], pairs=(), **options):
    """The findings of exchanges that went through the store."""
    await store.append(exchanges)
    await store.commit(WorkBatch(owner="w", at=DEPLOYED_AT, opened=pairs))
    return findings(await store.judged(TASK), await store.pairs(TASK), **options)


def shadow(verdict: Verdict, reason: str = "email", arm: Arm = Arm.CHAMPION) -> Decision:
    """What the shadow check `pii` said of an answer."""
    return decision("pii", verdict, arm, reason=reason, shadow=True)


async def test_a_shadow_check_tells_what_it_would_have_stopped(store):
    """By hand: 3 of 10 exchanges; Wilson's interval of 3 in 10 is [0.108, 0.603]; one was stopped anyway."""
    length = decision("length", FALLBACK, reason="too_long")
    judged = rows([shadow(BLOCK)], [shadow(BLOCK, "iban"), length], [shadow(BLOCK)], *([] for _ in range(7)))
    (policy,) = await told(store, judged)
    assert (policy.policy, policy.exchanges) == ("p1", 10)
    assert (policy.first_at, policy.last_at) == (DEPLOYED_AT + 1, DEPLOYED_AT + 10)
    enforced, pii = policy.checks
    assert (enforced.check, enforced.shadow, enforced.verdicts[FALLBACK].count) == ("length", False, 1)
    assert (enforced.overlap, enforced.pairs) == (0, 0)
    assert (pii.check, pii.stage, pii.shadow) == ("pii", Stage.OUTPUT, True)
    assert pii.verdicts == {BLOCK: Rate(3, 0.3, pytest.approx(0.1078, abs=1e-4), pytest.approx(0.6032, abs=1e-4))}
    assert (pii.reasons, pii.failed, pii.overlap) == ({"email": 2, "iban": 1}, 0, 1)


@pytest.mark.parametrize(
    ("others", "overlap"),
    [
        ([decision("markup", REDACT)], 1),
        ([decision("markup", BLOCK)], 1),
        ([decision("markup", FLAG)], 0),
        ([decision("markup", BLOCK, failed=True)], 0),  # not because of what is in the text
        ([decision("markup", BLOCK, shadow=True)], 0),
        ([decision("markup", BLOCK, Arm.TEACHER)], 0),  # another answer
        ([decision("length", BLOCK, None)], 0),  # the input
        ([], 0),
    ],
)
async def test_only_an_enforced_check_of_the_same_text_counts_as_stopping_it_anyway(store, others, overlap):
    """What it would add is the rest."""
    (policy,) = await told(store, rows([shadow(BLOCK), *others]))
    (pii,) = [each for each in policy.checks if each.check == "pii"]
    assert pii.overlap == overlap


async def test_an_exchange_counts_once_for_a_check(store):
    """By its strongest verdict, also when it judged the answers of the student and of the teacher."""
    said = [decision("pii", FLAG, reason="phone"), decision("pii", BLOCK, Arm.TEACHER, reason="phone")]
    (policy,) = await told(store, rows(said, [decision("pii", FLAG)]))
    (pii,) = policy.checks
    assert {verdict: rate.count for verdict, rate in pii.verdicts.items()} == {FLAG: 1, BLOCK: 1}
    assert pii.reasons == {"phone": 1, "found": 1}


async def test_checks_that_could_not_run_are_counted_apart(store):
    """A bypass is no finding, and no finding hides a bypass."""
    failed = decision("pii", FALLBACK, reason="over_budget", failed=True)
    (policy,) = await told(store, rows([failed], [failed, decision("pii", REDACT)], []))
    (pii,) = policy.checks
    assert (pii.failed, {verdict: rate.count for verdict, rate in pii.verdicts.items()}) == (2, {REDACT: 1})
    assert pii.reasons == {"found": 1}


async def test_pairs_tell_whether_the_student_was_right_where_it_would_have_been_stopped(store):
    """Two of three pairs with a shadow finding agree; pairs without one, and samples that are none, do not count."""
    judged = rows(*([shadow(FALLBACK)] for _ in range(5)), [])
    pairs = [
        paired(0, agreed=True),
        paired(1, agreed=False),
        paired(2, agreed=True),
        paired(3, agreed=None, state=PairState.STUDENT_ERROR),
        paired(5, agreed=False),
    ]
    (policy,) = await told(store, judged, pairs)
    (pii,) = policy.checks
    assert (pii.agreed, pii.pairs) == (2, 3)


async def test_policies_are_told_apart_the_newest_first(store):
    """A change of the policy starts a new count; a check is what it was in the policy that judged."""
    old = rows([decision("pii", BLOCK)], [], policy="p1")
    new = rows([shadow(BLOCK)], policy="p2", start=50)
    first, second = await told(store, [*new, *old])
    assert [(each.policy, each.exchanges) for each in (first, second)] == [("p2", 1), ("p1", 2)]
    assert ([each.shadow for each in first.checks], [each.shadow for each in second.checks]) == ([True], [False])


async def test_a_configured_check_that_found_nothing_is_told_of(store):
    """Only of its own policy: nothing found in many exchanges is what one wants to read before enforcing it."""
    configured = {"p1": [SHADOW_PII, Place(Stage.INPUT, False, "length")]}
    first, second = await told(store, rows([], policy="p0") + rows([], [], start=9), configured=configured)
    nothing = {"verdicts": {}, "reasons": {}, "failed": 0, "overlap": 0, "agreed": 0, "pairs": 0}
    assert first.checks == (
        Found("length", Stage.INPUT, False, **nothing),
        Found("pii", Stage.OUTPUT, True, **nothing),
    )
    assert second.checks == ()


def test_nothing_journalled_is_no_policy():
    """Whoever prints it says so."""
    assert findings([], configured={"p1": [SHADOW_PII]}) == []


async def test_the_most_frequent_reasons_are_named(store):
    """Five of them."""
    judged = rows(*([shadow(BLOCK, f"r{number % 7 if number % 2 else 0}")] for number in range(40)))
    (policy,) = await told(store, judged)
    reasons = policy.checks[0].reasons
    assert (len(reasons), next(iter(reasons.items()))) == (5, ("r0", 23))
