from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from cli.power_curve import Curve, Mark, svg

NAMESPACE = "{http://www.w3.org/2000/svg}"
CURVES = [Curve("2 points", [(100.0, 0.1), (400.0, 0.5), (2000.0, 0.95)]), Curve("5 <points>", [(30.0, 0.5)])]


def drawn(**options):
    """The picture, parsed."""
    base = {"title": "a task", "chance": 0.9, "usd_per_pair": 0.01, "mark": Mark("today", 50.0)}
    return ET.fromstring(svg(options.pop("curves", CURVES), **base | options))


def texts(root) -> list[str]:
    """All that is written."""
    return [element.text for element in root.iter(f"{NAMESPACE}text")]


def points(line) -> list[tuple[float, float]]:
    """Where a curve goes."""
    return [tuple(map(float, pair.split(","))) for pair in line.get("points").split()]


def test_axes_have_names_units_and_numbers():
    """Pairs below, dollars above, chances on the left; what was asked for is a line across."""
    found = texts(drawn())
    for name in ("a task", "pairs a day", "US dollars a day", "chance of seeing the drop in time", "today"):
        assert name in found
    assert {"100 %", "0 %", "100", "1,000", "$1", "$10", "90% asked for"} <= set(found)


def test_curves_rise_to_the_right_within_the_frame():
    """More pairs are further right, more chance is further up, and names are those given, escaped."""
    root = drawn()
    line, single = root.findall(f"{NAMESPACE}polyline")
    xs, ys = zip(*points(line), strict=True)
    assert list(xs) == sorted(xs)
    assert list(ys) == sorted(ys, reverse=True)
    assert min(xs) >= 76
    assert max(xs) <= 724
    assert len(points(single)) == 1
    assert "5 <points>" in texts(root)


@pytest.mark.parametrize("pairs", [(1.0, 1.0), (1.0, 999_999.0), (300.0, 301.0)])
def test_any_range_has_a_few_numbers(pairs):
    """From a single point to six decades; none is written twice."""
    found = texts(drawn(curves=[Curve("x", [(pairs[0], 0.1), (pairs[1], 0.9)])], mark=None, usd_per_pair=0.0))
    numbers = [text for text in found if text.replace(",", "").isdigit()]
    assert 3 <= len(numbers) == len(set(numbers)) <= 15


def test_what_is_free_has_no_axis_of_dollars():
    """There is nothing to count."""
    assert not any("$" in text or "dollars" in text for text in texts(drawn(usd_per_pair=0.0)))


@pytest.mark.parametrize(("usd_per_pair", "expected"), [(0.0001, "$0.005"), (0.01, "$0.50"), (100.0, "$100,000")])
def test_dollars_are_written_as_people_do(usd_per_pair, expected):
    """Cents below a dollar, thousands apart."""
    assert expected in texts(drawn(usd_per_pair=usd_per_pair))
