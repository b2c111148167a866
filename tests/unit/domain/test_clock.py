from __future__ import annotations

import pytest

from domain.clock import ManualClock, SystemClock


def test_manual_clock_moves_only_when_told():
    """Both hands of a manual clock must stand still until `advance`."""
    clock = ManualClock(100.0)
    assert (clock.now_s(), clock.monotonic_s()) == (100.0, 100.0)
    clock.advance(2.5)
    assert (clock.now_s(), clock.monotonic_s()) == (102.5, 102.5)


def test_manual_clock_refuses_to_go_back():
    """Time that runs backwards would hide bugs, so it must be refused."""
    with pytest.raises(ValueError, match="-1"):
        ManualClock().advance(-1)


def test_system_clock_gives_epoch_seconds():
    """Wall time must be seconds since the epoch, not milliseconds."""
    clock = SystemClock()
    assert 1.6e9 < clock.now_s() < 1e10
    assert clock.monotonic_s() <= clock.monotonic_s()
