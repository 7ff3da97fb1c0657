"""A static picture in SVG: what plots fall back to where Altair is not installed."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from pathlib import Path

from voilage._html import ACCENT, escape

WIDTH, HEIGHT = 520, 244
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 28, 32
TICKS = 5
CAP = 6
LABEL_MAX = 12


@dataclass(frozen=True, slots=True)
class Mark:
    """A point or bar with its interval, above one label of the horizontal axis."""

    label: str
    value: float
    low: float
    high: float
    faint: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """A static chart that a notebook shows and that can be saved.

    >>> chart = Chart("people", marks=[Mark("North", 10.0, 8.0, 12.0)])
    >>> chart.svg.startswith("<svg")
    True
    """

    title: str
    marks: list[Mark] = field(default_factory=list)
    lines: list[tuple[str, list[tuple[float, float]]]] = field(default_factory=list)
    x_labels: list[tuple[float, str]] = field(default_factory=list)
    bars: bool = False
    percent: bool = False

    @property
    def svg(self) -> str:
        """The picture."""
        body = [self._axes(), self._marks(), self._lines()]
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
            f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(self.title)}" '
            'style="max-width:100%;height:auto" '
            'font-family="sans-serif" font-size="11" fill="currentColor">'
            f'<text x="{LEFT}" y="16" font-size="12" font-weight="600">{escape(self.title)}</text>'
            f"{''.join(body)}</svg>"
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture to an SVG file."""
        Path(path).write_text(self.svg, encoding="utf-8")

    def _range(self) -> tuple[float, float]:
        points = [0.0, *(end for mark in self.marks for end in (mark.low, mark.high, mark.value))]
        points += [y for _, line in self.lines for _, y in line]
        finite = [point for point in points if math.isfinite(point)]
        low, high = min(finite), max(finite)
        step = _step(high - low or 1.0)
        return math.floor(low / step) * step, math.ceil((high or 1.0) / step) * step

    def _y(self, value: float) -> float:
        low, high = self._range()
        part = (min(max(value, low), high) - low) / (high - low or 1.0)
        return HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM)

    def _x(self, part: float) -> float:
        return LEFT + part * (WIDTH - LEFT - RIGHT)

    def _axes(self) -> str:
        low, high = self._range()
        step = _step(high - low)
        parts = []
        for index in range(round((high - low) / step) + 1):
            value = low + index * step
            y = self._y(value)
            text = f"{value:.0%}" if self.percent else f"{value:,.10g}"
            parts.append(
                f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" '
                'stroke="currentColor" stroke-opacity=".15"/>'
                f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{text}</text>'
            )
        for part, label in self.x_labels:
            parts.append(self._label(self._x(part), label))
        return "".join(parts)

    def _label(self, x: float, label: str) -> str:
        short = label if len(label) <= LABEL_MAX else f"{label[: LABEL_MAX - 1]}\u2026"
        anchor = "middle" if x < WIDTH - RIGHT - 20 else "end"
        y = HEIGHT - BOTTOM + 16
        return f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}">{escape(short)}</text>'

    def _marks(self) -> str:
        parts = []
        slot = (WIDTH - LEFT - RIGHT) / max(len(self.marks), 1)
        every = math.ceil(len(self.marks) * 44 / (WIDTH - LEFT - RIGHT)) or 1
        for index, mark in enumerate(self.marks):
            x = LEFT + (index + 0.5) * slot
            low, value, high = (self._y(end) for end in (mark.low, mark.value, mark.high))
            opacity = ".4" if mark.faint else "1"
            shape = f'<circle cx="{x:.1f}" cy="{value:.1f}" r="4" fill="{ACCENT}"/>'
            if self.bars:
                zero, wide = self._y(0.0), min(slot * 0.7, 60)
                shape = (
                    f'<rect x="{x - wide / 2:.1f}" y="{min(zero, value):.1f}" width="{wide:.1f}" '
                    f'height="{abs(zero - value):.1f}" fill="{ACCENT}" fill-opacity=".6"/>'
                )
            path = f"M{x:.1f},{high:.1f}V{low:.1f}" + "".join(
                f"M{x - CAP:.1f},{end:.1f}H{x + CAP:.1f}" for end in (low, high)
            )
            interval = (
                f'<path d="{path}" fill="none" stroke="currentColor" stroke-width="1.5" '
                'stroke-opacity=".75"/>'
            )
            # A bar lies below its interval, a point above it.
            both = shape + interval if self.bars else interval + shape
            parts.append(f'<g opacity="{opacity}">{both}</g>')
            if index % every == 0:
                parts.append(self._label(x, mark.label))
        return "".join(parts)

    def _lines(self) -> str:
        parts = []
        for index, (name, points) in enumerate(self.lines):
            path = " ".join(f"{self._x(x):.1f},{self._y(y):.1f}" for x, y in points)
            style = f'stroke="{ACCENT}" stroke-width="2"'
            if index > 0:
                dashes = f"{5 - 2 * index} 4"
                style = f'stroke="currentColor" stroke-opacity=".6" stroke-dasharray="{dashes}"'
            parts.append(f'<polyline points="{path}" fill="none" {style}/>')
            if index == 0 and points:
                end_x, end_y = self._x(points[-1][0]), self._y(points[-1][1])
                parts.append(f'<circle cx="{end_x:.1f}" cy="{end_y:.1f}" r="4" fill="{ACCENT}"/>')
            x, y = LEFT + 7 * len(self.title) + 40 + index * 95, 16
            parts.append(
                f'<line x1="{x - 22}" x2="{x - 6}" y1="{y - 4}" y2="{y - 4}" {style}/>'
                f'<text x="{x}" y="{y}">{escape(name)}</text>'
            )
        return "".join(parts)

    def _repr_mimebundle_(
        self,
        include: object = None,  # noqa: ARG002  (the protocol's signature)
        exclude: object = None,  # noqa: ARG002
    ) -> dict[str, str]:
        return {"image/svg+xml": self.svg, "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"<voilage.Chart {self.title!r}: shown in a notebook; save('chart.svg') writes it>"


def _step(width: float) -> float:
    """Return a round distance between ticks."""
    rough = width / TICKS
    size = 10.0 ** math.floor(math.log10(rough))
    return next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= rough)
