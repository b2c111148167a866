from __future__ import annotations

from pathlib import Path

import pytest

from cli.demo.plan import Options, Traffic, deal, drift_share
from domain.errors import PreceptorError


def options(**values):
    """Options of a small run."""
    return Options(**({"out": Path("x"), "requests": 300, "examples": 200} | values))


def test_examples_and_traffic_share_no_text():
    """A student must not be judged on what it was trained on."""
    dealt = deal(options())
    assert len(dealt.examples) == 200
    assert len(deal(options(examples=1500)).examples) == 1500
    assert not {row.text for row in dealt.examples} & {row.text for row in dealt.known + dealt.new}


def test_the_ramp_rises_and_holds():
    """The share of the new domain must go from 10 % to 50 % and stay there."""
    shares = [drift_share(options(), position) for position in range(300)]
    assert shares[0] == pytest.approx(0.1)
    assert shares == sorted(shares)
    assert shares[200:] == [pytest.approx(0.5)] * 100


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_stated_shift_is_kept(share):
    """--shift must be the share from first to last request, and 0 is the control run."""
    chosen = options(shift=share)
    assert {drift_share(chosen, position) for position in (0, 150, 299)} == {share}
    assert chosen.control == (share == 0)


def test_traffic_mixes_as_told():
    """Drawn rows must come from the new domain with the probability asked for."""
    dealt = deal(options())
    traffic = Traffic(dealt, seed=1)
    drawn = [traffic.draw(0.3) for _ in range(3000)]
    share = sum(row.domain == dealt.dataset.new for row in drawn) / len(drawn)
    assert abs(share - 0.3) < 0.03
    assert all(traffic.draw(0.0).domain != dealt.dataset.new for _ in range(200))


@pytest.mark.parametrize(
    ("values", "problem"),
    [({"requests": 99}, "--requests"), ({"shift": -0.1}, "--shift"), ({"error_rate": 1.0}, "--error-rate")],
)
def test_bad_options_are_refused(values, problem):
    """The error must name the option."""
    with pytest.raises(PreceptorError, match=problem):
        options(**values)
