"""What looks wrong with an answer, told from public metadata and released values only."""

from __future__ import annotations

from typing import Any

from voilage._number import is_small
from voilage._render import Cells

NEAR_BOUND = 0.02
"""A mean within this part of the bounds' width of a bound is near it."""
NARROW = 0.05
"""A mean whose interval's half-width is below this part of the bounds' width is known well."""
WIDE_BOUNDS = 0.05
"""Bounds are wide when all means lie within this part of their width, next to one bound."""


def warnings_of(columns: list[Cells], explained: dict[str, Any]) -> list[str]:
    """Return one sentence for each thing that looks wrong."""
    small = [(column.name, sum(column.small()), len(column.values)) for column in columns]
    small = [one for one in small if one[1]]
    found = []
    if small:
        parts = ", ".join(f"{name} {count} of {rows}" for name, count, rows in small)
        found.append(f"small against the noise (marked ~): {parts}")
    for column in columns:
        bounds = _bounds(column.name, explained)
        if bounds is not None:
            found += _bounds_look_wrong(column, bounds)
    return found


def _bounds(name: str, explained: dict[str, Any]) -> tuple[float, float] | None:
    """Return the bounds of the values of a mean."""
    for column in explained["columns"]:
        if column["name"] == name:
            output = explained["boundaries"][column["boundary"]]["outputs"][column["output"]]
            held = output["range"]
            if output["kind"] == "mean" and held is not None:
                return float(held["lower"]), float(held["upper"])
    return None


def _bounds_look_wrong(column: Cells, bounds: tuple[float, float]) -> list[str]:
    if column.ends is None or not column.values:
        return []
    lower, upper = bounds
    width = upper - lower
    lows = [low for low in column.ends[0] if low is not None]
    highs = [high for high in column.ends[1] if high is not None]
    sure = [
        (value, low, high)
        for value, low, high in zip(column.values, lows, highs, strict=False)
        if value is not None and not is_small(value - lower, low - lower, high - lower)
    ]
    if any(
        value >= upper - NEAR_BOUND * width and high - low <= 2 * NARROW * width
        for value, low, high in sure
    ):
        return [
            f"{column.name}: a mean lies at the upper bound {upper:g}, where values are cut: the "
            "bound looks too low"
        ]
    if sure and all(high < lower + WIDE_BOUNDS * width for _, _, high in sure):
        return [
            f"{column.name}: bounds reach to {upper:g} and every mean is below "
            f"{lower + WIDE_BOUNDS * width:g}: a lower bound above would mean less noise, and more "
            "values cut"
        ]
    return []
