"""Power curves as an SVG: the chance of seeing a drop of agreement, by pairs a day."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

_WIDTH, _HEIGHT = 760, 470
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 36, 96, 66
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")  # Okabe and Ito: told apart by all
_CLOSE = 3.5  # decades, up to which there is room for numbers at 1, 2 and 5
_INK, _FAINT = "#222222", "#dddddd"


class Curve(NamedTuple):
    """One drop: (pairs a day, chance) in rising order."""

    name: str
    points: Sequence[tuple[float, float]]


class Mark(NamedTuple):
    """A number of pairs a day to point at."""

    name: str
    pairs: float


def svg(curves: Sequence[Curve], *, title: str, chance: float, usd_per_pair: float, mark: Mark | None) -> str:
    """The picture: chances against pairs a day (bottom) and dollars a day (top), both on a logarithmic scale.

    `chance`, in (0, 1), is drawn as a line across; `curves` have a point each at least.
    """
    ends = [pairs for curve in curves for pairs, _ in curve.points] + ([mark.pairs] if mark else [])
    scale = _Scale(min(ends), max(ends))
    parts = [
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        _text(_LEFT, 24, title, size=15, anchor="start", weight="bold"),
        *_frame(scale, usd_per_pair),
        _line(_LEFT, _y(chance), _WIDTH - _RIGHT, _y(chance), colour=_INK, dash="5 4"),
        _text(_WIDTH - _RIGHT, _y(chance) - 5, f"{chance:.0%} asked for", anchor="end", halo=True),
        *(_marked(scale, mark) if mark else ()),
        *(part for number, curve in enumerate(curves) for part in _curve(scale, curve, number)),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
        f'height="{_HEIGHT}" font-family="system-ui, sans-serif" role="img" aria-label="{escape(title)}">\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


class _Scale:
    """A logarithmic axis over whole decades, or halves of them."""

    def __init__(self, least: float, most: float) -> None:
        self._low = math.floor(2 * math.log10(max(least, 1.0))) / 2
        self._high = max(self._low + 1, math.ceil(2 * math.log10(max(most, 1.0))) / 2)

    def x(self, pairs: float) -> float:
        share = (math.log10(max(pairs, 1e-9)) - self._low) / (self._high - self._low)
        return _LEFT + min(1.0, max(0.0, share)) * (_WIDTH - _LEFT - _RIGHT)

    def ticks(self, unit: float = 1.0) -> list[float]:
        """The numbers of pairs at which round numbers fall within the axis, if a pair counts `unit`."""
        low, high = self._low + math.log10(unit), self._high + math.log10(unit)
        factors = (1, 2, 5) if high - low <= _CLOSE else (1, 3)
        steps = (factor * 10.0**power for power in range(math.floor(low), math.ceil(high) + 1) for factor in factors)
        return [step / unit for step in steps if low - 1e-9 <= math.log10(step) <= high + 1e-9]


def _frame(scale: _Scale, usd_per_pair: float) -> list[str]:
    """Grid, both axes and their names."""
    bottom, parts = _HEIGHT - _BOTTOM, []
    for pairs in scale.ticks():
        parts += [
            _line(scale.x(pairs), _TOP, scale.x(pairs), bottom, colour=_FAINT),
            _text(scale.x(pairs), bottom + 18, f"{pairs:,.0f}"),
        ]
    for percent in range(0, 101, 20):
        y = _y(percent / 100)
        parts += [
            _line(_LEFT, y, _WIDTH - _RIGHT, y, colour=_FAINT),
            _text(_LEFT - 8, y + 4, f"{percent} %", anchor="end"),
        ]
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts += [_text(middle, _HEIGHT - 10, "pairs a day", size=13), _across("chance of seeing the drop in time")]
    if usd_per_pair > 0:
        parts += [_text(middle, 52, "US dollars a day", size=13)]
        for pairs in scale.ticks(usd_per_pair):
            parts += [
                _text(scale.x(pairs), _TOP - 10, _dollars(pairs * usd_per_pair)),
                _line(scale.x(pairs), _TOP - 5, scale.x(pairs), _TOP, colour=_INK),
            ]
    return parts


def _curve(scale: _Scale, curve: Curve, number: int) -> list[str]:
    """The line, and its name at a height of its own, so that names do not meet."""
    colour = _COLOURS[number % len(_COLOURS)]
    path = " ".join(f"{scale.x(pairs):.1f},{_y(chance):.1f}" for pairs, chance in curve.points)
    pairs, chance = curve.points[max(0, len(curve.points) // 2 - 1)]
    x, y = scale.x(pairs) + 6, _y(chance) + 14
    return [
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"/>',
        _text(x, y, curve.name, anchor="start", colour=colour, weight="bold", halo=True),
    ]


def _marked(scale: _Scale, mark: Mark) -> list[str]:
    x = scale.x(mark.pairs)
    return [
        _line(x, _TOP, x, _HEIGHT - _BOTTOM, colour=_INK, dash="2 3"),
        _text(x, _HEIGHT - _BOTTOM + 34, mark.name, colour=_INK, weight="bold"),
    ]


def _y(chance: float) -> float:
    return _TOP + (1 - chance) * (_HEIGHT - _TOP - _BOTTOM)


def _dollars(usd: float) -> str:
    return f"${usd:,.0f}" if usd >= 1 else f"${usd:.2f}" if usd >= 0.01 else f"${usd:.10f}".rstrip("0")


def _line(x1: float, y1: float, x2: float, y2: float, *, colour: str, dash: str = "") -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"{dashed}/>'


def _text(
    x: float,
    y: float,
    text: str,
    *,
    size: int = 12,
    anchor: str = "middle",
    colour: str = _INK,
    weight: str = "normal",
    halo: bool = False,
) -> str:
    around = ' stroke="white" stroke-width="4" paint-order="stroke"' if halo else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}" '
        f'font-weight="{weight}"{around}>{escape(text)}</text>'
    )


def _across(text: str) -> str:
    middle = (_TOP + _HEIGHT - _BOTTOM) / 2
    return f'<g transform="translate(22 {middle:.1f}) rotate(-90)">{_text(0, 0, text, size=13)}</g>'
