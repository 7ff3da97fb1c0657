"""An answer for people to read: as text on a terminal and as HTML in a notebook."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from voilage._html import ACCENT, MUTED, SMALL, cell, escape, printable
from voilage._number import is_small, plain, show_interval

ROWS_SHOWN = 40
PICTURE_WIDTH = 90
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


def as_text(columns: list[Cells], below: list[str]) -> str:
    """Return a plain table and the lines below it."""
    rows = _rows_shown(columns)
    blocks = [_text_column(column, rows) for column in columns]
    lines = ["  ".join(line).rstrip() for line in zip(*blocks, strict=True)]
    return "\n".join([*lines, *_notes(columns, rows), *below])


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


def as_html(columns: list[Cells], below: list[str]) -> str:
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
    notes = "<br>".join(escape(line) for line in [*_notes(columns, rows), *below])
    return (
        '<table class="voilage-result">'
        f'<caption style="caption-side:bottom;text-align:left;{SMALL};{MUTED}">{notes}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"
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
        f'<span title="{title}"><span style="{weight}">{mark}{escape(value)}</span> '
        f'<span style="{SMALL};{MUTED};white-space:nowrap">{escape(interval)}</span></span>'
    )
    picture = _picture(ends, scale, small=small) if ends is not None else ""
    return cell(content, right=True) + cell(picture)


def _scale(column: Cells) -> tuple[float, float]:
    """Return the ends of the axis on which a column's intervals are drawn; 0 is always on it."""
    points = [end for ends in column.intervals() if ends is not None for end in ends[1:]]
    points = [0.0, *(point for point in points if math.isfinite(point))]
    return min(points), max(points)


def _picture(ends: tuple[float, float, float], scale: tuple[float, float], *, small: bool) -> str:
    width = scale[1] - scale[0]
    if width <= 0 or not all(math.isfinite(end) for end in ends):
        return ""
    value, low, high = ((end - scale[0]) / width * (PICTURE_WIDTH - 8) + 4 for end in ends)
    opacity = ".4" if small else "1"
    return (
        f'<svg width="{PICTURE_WIDTH}" height="14" role="img" aria-hidden="true" '
        f'style="opacity:{opacity}"><line x1="{low:.1f}" x2="{high:.1f}" y1="7" y2="7" '
        f'stroke="{ACCENT}" stroke-width="4" stroke-opacity=".45"/>'
        f'<circle cx="{value:.1f}" cy="7" r="3.5" fill="{ACCENT}"/></svg>'
    )


def _rows_shown(columns: list[Cells]) -> int:
    return min(len(columns[0].values), ROWS_SHOWN) if columns else 0


def _notes(columns: list[Cells], rows: int) -> list[str]:
    notes = []
    more = (len(columns[0].values) if columns else 0) - rows
    if more > 0:
        notes.append(f"... and {more:,} more rows")
    if any(column.ends is not None for column in columns):
        notes.append(NOTE)
    return notes
