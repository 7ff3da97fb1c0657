"""What may be asked about many people: counts, sums, means, and arithmetic on them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

from voilage._errors import fix_query
from voilage._expr import ColumnInput, as_expr, literal

Bound: TypeAlias = int | float
Render: TypeAlias = Callable[[str], str]
"""From the unit's SQL to the aggregate's."""


class Aggregate:
    """A private statistic, not yet asked; made by :func:`voilage.mean` and its siblings.

    Arithmetic between aggregates is free: it happens on released values.

    >>> import voilage as vo
    >>> vo.sum("cost", 0, 500) / vo.count()
    <voilage.Aggregate (CAST(SUM(clamp("cost", 0, 500)) AS DOUBLE) / NULLIF(COUNT(*), 0))>
    """

    __slots__ = ("_render",)

    def __init__(self, render: Render) -> None:
        self._render = render

    def __add__(self, other: Aggregate | Bound) -> Aggregate:
        return self._with("+", other)

    def __sub__(self, other: Aggregate | Bound) -> Aggregate:
        return self._with("-", other)

    def __mul__(self, other: Aggregate | Bound) -> Aggregate:
        return self._with("*", other)

    def __truediv__(self, other: Aggregate | Bound) -> Aggregate:
        below = _rendered(other)
        return Aggregate(
            lambda unit: f"(CAST({self._render(unit)} AS DOUBLE) / NULLIF({below(unit)}, 0))"
        )

    def __radd__(self, other: Bound) -> Aggregate:
        return self + other

    def __rmul__(self, other: Bound) -> Aggregate:
        return self * other

    def __rsub__(self, other: Bound) -> Aggregate:
        left = literal(other)
        return Aggregate(lambda unit: f"({left} - {self._render(unit)})")

    def __repr__(self) -> str:
        return f"<voilage.Aggregate {self._render('unit')}>"

    def _with(self, operator: str, other: Aggregate | Bound) -> Aggregate:
        right = _rendered(other)
        return Aggregate(lambda unit: f"({self._render(unit)} {operator} {right(unit)})")


def _rendered(value: Aggregate | Bound) -> Render:
    if isinstance(value, Aggregate):
        return value._render
    text = literal(value)
    return lambda _unit: text


def _of(function: str, argument: str) -> Aggregate:
    return Aggregate(lambda _unit: f"{function}({argument})")


def bounded(function: str, column: ColumnInput, lower: Bound | None, upper: Bound | None) -> str:
    """Return a column as SQL, cut at the bounds if there are any."""
    expr = as_expr(column)
    if lower is None and upper is None:
        return expr.sql_text
    name = expr._name or expr.sql_text
    example = f"write for example vo.{function}({name!r}, 0, 5_000)"
    if lower is None or upper is None:
        raise fix_query(f"vo.{function}({name!r}): one bound is missing", example)
    for bound in (lower, upper):
        if not isinstance(bound, int | float) or isinstance(bound, bool):
            kind = type(bound).__name__
            raise fix_query(f"vo.{function}({name!r}): a bound is a number, not {kind}", example)
        if not math.isfinite(bound):
            raise fix_query(f"vo.{function}({name!r}): a bound is {bound}", example)
    if lower >= upper:
        raise fix_query(
            f"vo.{function}({name!r}, {lower}, {upper}): the lower bound is not below the upper",
            f"write vo.{function}({name!r}, {upper}, {lower})" if lower > upper else example,
        )
    return f"clamp({expr.sql_text}, {literal(lower)}, {literal(upper)})"


def count(column: ColumnInput | None = None) -> Aggregate:
    """Count rows, or the rows in which a column has a value.

    Of each person at most as many rows count as the table's bounds keep.

    >>> import voilage as vo
    >>> vo.count(), vo.count("cost")
    (<voilage.Aggregate COUNT(*)>, <voilage.Aggregate COUNT("cost")>)
    """
    return _of("COUNT", "*" if column is None else as_expr(column).sql_text)


def count_units() -> Aggregate:
    """Count people (or whatever the table's unit is), each once in each group.

    >>> import voilage as vo
    >>> study = vo.demo().project("demo")
    >>> study.table("visits").agg(people=vo.count_units()).sql_text
    'SELECT COUNT(DISTINCT "person") AS "people" FROM "visits"'
    """
    return Aggregate(lambda unit: f"COUNT(DISTINCT {unit})")


def sum(  # noqa: A001  (`vo.sum` reads well)
    column: ColumnInput, lower: Bound | None = None, upper: Bound | None = None
) -> Aggregate:
    """Add up a column. Values are cut at the bounds: the given ones and those declared for it.

    >>> import voilage as vo
    >>> vo.sum("cost", 0, 500)
    <voilage.Aggregate SUM(clamp("cost", 0, 500))>
    """
    return _of("SUM", bounded("sum", column, lower, upper))


def mean(column: ColumnInput, lower: Bound | None = None, upper: Bound | None = None) -> Aggregate:
    """Average a column over rows. Values are cut at the bounds: the given and the declared ones.

    Tighter bounds mean less noise and more bias; `study.schema()` shows what is declared.

    >>> import voilage as vo
    >>> vo.mean("cost", 0, 500)
    <voilage.Aggregate AVG(clamp("cost", 0, 500))>
    """
    return _of("AVG", bounded("mean", column, lower, upper))
