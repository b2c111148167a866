from __future__ import annotations

from policies.circuit import OPEN_S, OVERRUNS, Circuit


def opened(now: float = 0.0) -> Circuit:
    """A circuit that has opened at `now`."""
    circuit = Circuit()
    for _ in range(OVERRUNS):
        assert circuit.enter(now)
        circuit.left(overran=True, now=now)
    return circuit


def test_it_opens_after_so_many_overruns_in_a_row_and_not_before() -> None:
    """One inspection in time begins the count anew."""
    circuit = Circuit()
    for overran in (*[True] * (OVERRUNS - 1), False, *[True] * (OVERRUNS - 1)):
        assert circuit.enter(0.0)
        circuit.left(overran=overran, now=0.0)
    assert circuit.closed
    circuit.left(overran=True, now=0.0)
    assert not circuit.closed
    assert not circuit.enter(OPEN_S - 0.01)


def test_what_taught_nothing_changes_nothing() -> None:
    """Who left before the deadline neither counts as an overrun nor ends a row of them."""
    circuit = Circuit()
    for overran in (*[True] * (OVERRUNS - 1), None, None):
        circuit.left(overran=overran, now=0.0)
    assert circuit.closed
    circuit.left(overran=True, now=0.0)
    assert not circuit.closed


def test_after_a_while_one_at_a_time_may_try() -> None:
    """The first one after the pause goes, a second does not until it is known how that went."""
    circuit = opened()
    assert circuit.enter(OPEN_S)
    assert not circuit.enter(OPEN_S + 100)
    circuit.left(overran=None, now=OPEN_S)
    assert circuit.enter(OPEN_S)


def test_a_try_in_time_closes_it() -> None:
    """From then on it is asked as usual."""
    circuit = opened()
    assert circuit.enter(OPEN_S)
    circuit.left(overran=False, now=OPEN_S)
    assert circuit.closed
    assert circuit.enter(OPEN_S)
    assert circuit.enter(OPEN_S)


def test_a_late_try_opens_it_for_as_long_again() -> None:
    """The pause begins when the try was given up."""
    circuit = opened()
    assert circuit.enter(OPEN_S)
    circuit.left(overran=True, now=OPEN_S + 1)
    assert not circuit.enter(2 * OPEN_S + 0.99)
    assert circuit.enter(2 * OPEN_S + 1)
