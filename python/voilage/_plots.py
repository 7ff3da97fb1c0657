"""Plots of answers and budgets: with Altair where it is installed, else as a static picture."""

from __future__ import annotations

import datetime as dt
import importlib.util
from typing import TYPE_CHECKING, Any

from voilage._chart import Chart, Mark
from voilage._errors import fix_query
from voilage._html import ACCENT
from voilage._render import Cells

if TYPE_CHECKING:
    from voilage._budget import Budget

INTERVAL_NOTE = "bars show 95% intervals for the noise"


def plot_result(columns: list[Cells], column: str | None, by: str | None, *, bars: bool) -> Any:  # noqa: ANN401
    """Return a plot of one noisy column over the group keys."""
    noisy = [cells for cells in columns if cells.ends is not None]
    if not noisy:
        raise fix_query(
            "no column of the result has an interval, so there is nothing to plot",
            "select a count, sum or mean itself",
        )
    shown = next((cells for cells in columns if cells.name == (column or noisy[0].name)), noisy[0])
    if shown.ends is None:
        raise fix_query(
            f"{shown.name} has no interval", f"plot one of: {', '.join(c.name for c in noisy)}"
        )
    keys = [cells for cells in columns if cells.ends is None and cells.name != by]
    split = next((cells for cells in columns if cells.name == by), None)
    axis = keys[0] if keys else None
    if split is None and len(keys) > 1:
        split = keys[1]
    if _altair_is_there():
        return _altair_result(shown, axis, split, bars=bars)
    return _static_result(shown, axis, split, bars=bars)


def _rows(shown: Cells, axis: Cells | None, split: Cells | None) -> list[dict[str, Any]]:
    rows = []
    for index, ends in enumerate(shown.intervals()):
        if ends is None:
            continue
        row: dict[str, Any] = {
            "value": ends[0],
            "low": ends[1],
            "high": ends[2],
            "small": shown.small()[index],
        }
        row["key"] = axis.shown(index)[0] if axis is not None else "all"
        row["split"] = split.shown(index)[0] if split is not None else ""
        rows.append(row)
    return rows


def _static_result(shown: Cells, axis: Cells | None, split: Cells | None, *, bars: bool) -> Chart:
    marks = [
        Mark(
            label=row["key"] + (f" {row['split']}" if row["split"] else ""),
            value=row["value"],
            low=row["low"],
            high=row["high"],
            faint=row["small"],
        )
        for row in _rows(shown, axis, split)
    ]
    over = f" by {axis.name}" if axis is not None else ""
    return Chart(f"{shown.name}{over} (95% intervals)", marks=marks, bars=bars)


def _altair_result(shown: Cells, axis: Cells | None, split: Cells | None, *, bars: bool) -> Any:  # noqa: ANN401
    import altair as alt  # noqa: PLC0415  (optional)

    rows = _rows(shown, axis, split)
    order = list(dict.fromkeys(row["key"] for row in rows))
    title = axis.name if axis is not None else ""
    x = alt.X("key:N", title=title, sort=order, axis=alt.Axis(labelAngle=0, labelLimit=120))
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=x,
        opacity=alt.condition("datum.small", alt.value(0.4), alt.value(1.0)),
        tooltip=[
            alt.Tooltip("key:N", title=title or "rows"),
            alt.Tooltip("value:Q", title=shown.name, format=",.4~g"),
            alt.Tooltip("low:Q", format=",.4~g"),
            alt.Tooltip("high:Q", format=",.4~g"),
        ],
    )
    if split is not None:
        base = base.encode(
            color=alt.Color("split:N", title=split.name), xOffset=alt.XOffset("split:N")
        )
    scale = alt.Scale(zero=bars)
    y = alt.Y("value:Q", title=shown.name, scale=scale)
    style: dict[str, Any] = {} if split is not None else {"color": ACCENT}
    mark = (
        base.mark_bar(fillOpacity=0.6, **style)
        if bars
        else base.mark_point(filled=True, size=70, **style)
    )
    rule = base.mark_rule(strokeWidth=2, **style).encode(
        y=alt.Y("low:Q", title=shown.name, scale=scale), y2="high:Q"
    )
    return (rule + mark.encode(y=y)).properties(width=420, height=240, title=INTERVAL_NOTE)


def _burn_down_points(budget: Budget) -> tuple[dt.date, dt.date, list[tuple[dt.datetime, float]]]:
    """Return the first and last day and what was left after each charge."""
    start = dt.datetime.combine(budget.starts, dt.time(), dt.UTC)
    points = [(start, 1.0)]
    for charge in budget.charges:
        points.append((charge.charged_at, points[-1][1]))
        points.append((charge.charged_at, 1.0 - float(charge.spent_after)))
    now = dt.datetime.combine(budget._today, dt.time(), dt.UTC)
    points.append((max(now, points[-1][0]), points[-1][1]))
    return budget.starts, budget.ends, points


def burn_down_chart(budget: Budget) -> Chart:
    """Return the static picture of a budget over its permit's time."""
    first, last, points = _burn_down_points(budget)
    whole = max((last - first).days, 1)
    began = dt.datetime.combine(first, dt.time(), dt.UTC)

    def part(when: dt.datetime) -> float:
        return min(max((when - began) / dt.timedelta(days=whole), 0.0), 1.0)

    left = [(part(when), share) for when, share in points]
    return Chart(
        "budget left",
        lines=[("left", left), ("even pace", [(0.0, 1.0), (1.0, 0.0)])],
        x_labels=[(0.0, first.isoformat()), (1.0, last.isoformat())],
        percent=True,
    )


def burn_down(budget: Budget) -> Any:  # noqa: ANN401
    """Return the burn-down of a budget."""
    if not _altair_is_there():
        return burn_down_chart(budget)
    import altair as alt  # noqa: PLC0415  (optional)

    first, last, points = _burn_down_points(budget)
    left = [
        {"day": when.isoformat(), "left": share, "order": order, "line": "left"}
        for order, (when, share) in enumerate(points)
    ]
    pace = [
        {"day": day.isoformat(), "left": share, "order": order, "line": "even pace"}
        for order, (day, share) in enumerate([(first, 1.0), (last, 0.0)])
    ]
    return (
        alt.Chart(alt.Data(values=left + pace))
        .mark_line()
        .encode(
            x=alt.X("day:T", title=""),
            y=alt.Y("left:Q", title="budget left", axis=alt.Axis(format="%")),
            order="order:Q",
            color=alt.Color("line:N", title="", sort=["left", "even pace"]),
            strokeDash=alt.StrokeDash("line:N", legend=None, sort=["left", "even pace"]),
        )
        .properties(width=460, height=220, title=f"{budget.project}: what is left")
    )


def _altair_is_there() -> bool:
    return importlib.util.find_spec("altair") is not None
