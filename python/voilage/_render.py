"""An answer for people to read: as text on a terminal and as HTML in a notebook."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from voilage._html import ACCENT, MUTED, SMALL, cell, escape, printable
from voilage._number import is_small, plain, show_interval

ROWS_SHOWN = 40
PICTURE_WIDTH = 110
NOTE = "[95% intervals for the noise around the bounded answer]"


@dataclass(frozen=True, slots=True)
class Cells:
    """A column of an answer: values and, where it is noisy, the ends of its intervals."""

    name: str
    kind: str
    values: list[Any]
    ends: tuple[list[float | None], list[float | None]] | None

    def small(self) -> list[bool]:
        """Return which values are too small against their noise to be trusted."""
        return [end is not None and is_small(*end) for end in self.intervals()]

    def intervals(self) -> list[tuple[float, float, float] | None]:
        """Return value, low and high of each row that has them."""
        if self.ends is None:
            return [None] * len(self.values)
        rows = zip(self.values, self.ends[0], self.ends[1], strict=True)
        return [
            None if value is None or low is None or high is None else (float(value), low, high)
            for value, low, high in rows
        ]

    def is_number(self) -> bool:
        """Return whether the column holds numbers."""
        return self.kind in {"int", "float"}

    def shown(self, row: int) -> tuple[str, str, bool]:
        """Return a row's value, its interval (empty without one), and whether it is small."""
        interval = self.intervals()[row]
        if interval is None:
            return _key(self.values[row], self.kind), "", False
        value, low, high = show_interval(*interval, whole=self.kind == "int")
        return value, f"[{low}, {high}]", is_small(*interval)


def _key(value: Any, kind: str) -> str:  # noqa: ANN401  (a cell can be anything)
    if value is None:
        return "NULL"
    if kind == "float":
        return plain(value)
    return printable(value)


def as_text(columns: list[Cells], below: list[str], *, note: str = NOTE) -> str:
    """Return a plain table and the lines below it."""
    rows = _rows_shown(columns)
    blocks = [_text_column(column, rows) for column in columns]
    lines = ["  ".join(line).rstrip() for line in zip(*blocks, strict=True)]
    return "\n".join([*lines, *_notes(columns, rows, note), *below])


def _text_column(column: Cells, rows: int) -> list[str]:
    shown = [column.shown(row) for row in range(rows)]
    value_width = max((len(value) for value, _, _ in shown), default=0)
    body = []
    for value, interval, small in shown:
        if column.ends is None:
            body.append(value)
        else:
            mark = "~" if small else " "
            body.append(f"{mark}{value:>{value_width}} {interval}")
    width = max([len(column.name), *map(len, body)])
    align = str.rjust if column.is_number() and column.ends is None else str.ljust
    return [
        align(printable(column.name), width),
        "-" * width,
        *(align(text, width) for text in body),
    ]


def as_html(columns: list[Cells], below: list[str], *, note: str = NOTE) -> str:
    """Return an HTML table with a small picture of each interval, and the lines below it."""
    rows = _rows_shown(columns)
    head = "".join(
        cell(escape(printable(column.name)), head=True, right=column.is_number())
        + (cell("", head=True) if column.ends is not None else "")
        for column in columns
    )
    scales = [_scale(column) for column in columns]
    body = []
    for row in range(rows):
        pairs = zip(columns, scales, strict=True)
        body.append("<tr>" + "".join(_html_cells(*pair, row) for pair in pairs) + "</tr>")
    notes = "".join(f"<div>{escape(line)}</div>" for line in [*_notes(columns, rows, note), *below])
    style = f"caption-side:bottom;text-align:left;padding:6px 9px 0;{SMALL};{MUTED}"
    return (
        '<div style="overflow-x:auto"><table class="voilage-result">'
        f'<caption style="{style}">{notes}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def _html_cells(column: Cells, scale: tuple[float, float], row: int) -> str:
    value, interval, small = column.shown(row)
    if not interval:
        return cell(escape(value), right=column.is_number()) + (
            cell("") if column.ends is not None else ""
        )
    ends = column.intervals()[row]
    title = "too small against its noise to be trusted" if small else "95% interval"
    weight = MUTED if small else "font-weight:600"
    mark = "~ " if small else ""
    content = (
        f'<span title="{title}" style="white-space:nowrap">'
        f'<span style="{weight}">{mark}{escape(value)}</span> '
        f'<span style="{SMALL};{MUTED}">{escape(interval)}</span></span>'
    )
    picture = _picture(ends, scale, small=small) if ends is not None else ""
    return cell(content, right=True) + cell(picture)


def _scale(column: Cells) -> tuple[float, float]:
    """Return the ends of the axis on which a column's intervals are drawn; 0 is always on it.

    Values that are too small to trust would stretch it for nothing: they are cut where it ends.
    """
    pairs = list(zip(column.intervals(), column.small(), strict=True))
    trusted = [ends for ends, small in pairs if ends is not None and not small]
    shown = trusted or [ends for ends, _ in pairs if ends is not None]
    points = [0.0, *(end for ends in shown for end in ends[1:] if math.isfinite(end))]
    return min(points), max(points)


def _picture(ends: tuple[float, float, float], scale: tuple[float, float], *, small: bool) -> str:
    width = scale[1] - scale[0]
    if width <= 0 or math.isnan(ends[0]):
        return ""
    first, last = 5.0, PICTURE_WIDTH - 5.0

    def place(end: float) -> float:
        return min(max((end - scale[0]) / width, 0.0), 1.0) * (last - first) + first

    value, low, high = (place(end) for end in ends)
    opacity = ".45" if small else "1"
    arrows = ""
    if ends[1] < scale[0]:
        arrows += f'<path d="M{first},3L1,7L{first},11" fill="{ACCENT}"/>'
    if ends[2] > scale[1]:
        arrows += f'<path d="M{last},3L{PICTURE_WIDTH - 1},7L{last},11" fill="{ACCENT}"/>'
    dot = f'<circle cx="{value:.1f}" cy="7" r="3" fill="{ACCENT}"/>'
    inside = scale[0] <= ends[0] <= scale[1]
    return (
        f'<svg width="{PICTURE_WIDTH}" height="14" role="img" aria-hidden="true" '
        f'style="opacity:{opacity};vertical-align:middle">'
        f'<line x1="{low:.1f}" x2="{high:.1f}" y1="7" y2="7" '
        f'stroke="{ACCENT}" stroke-width="6" stroke-opacity=".4"/>'
        f"{arrows}{dot if inside else ''}</svg>"
    )


def _rows_shown(columns: list[Cells]) -> int:
    return min(len(columns[0].values), ROWS_SHOWN) if columns else 0


def _notes(columns: list[Cells], rows: int, note: str) -> list[str]:
    notes = []
    more = (len(columns[0].values) if columns else 0) - rows
    if more > 0:
        notes.append(f"... and {more:,} more rows")
    if note and any(column.ends is not None for column in columns):
        notes.append(note)
    return notes
