"""Keys to group by: choices, bins, and weeks, months and years."""

from __future__ import annotations

import math

from voilage._errors import fix_query
from voilage._expr import ColumnInput, Expr, Literal, as_expr, literal, operand

BINS_MAX = 1_000


class When:
    """A choice that lacks its last word; made by :func:`voilage.when`.

    >>> import voilage as vo
    >>> vo.when(vo.col("age") < 18, "child").when(vo.col("age") < 65, "adult").otherwise("old")
    <voilage.Expr CASE WHEN ("age" < 18) THEN 'child' WHEN ("age" < 65) THEN 'adult' ELSE 'old' END>
    """

    __slots__ = ("_branches",)

    def __init__(self, branches: str) -> None:
        self._branches = branches

    def when(self, condition: Expr, value: Expr | Literal) -> When:
        """Add a condition, looked at where none before it holds.

        >>> import voilage as vo
        >>> vo.when(vo.col("age") < 1, 0).when(vo.col("age") < 18, 1).otherwise(2).sql_text
        'CASE WHEN ("age" < 1) THEN 0 WHEN ("age" < 18) THEN 1 ELSE 2 END'
        """
        return When(f"{self._branches} WHEN {operand(condition)} THEN {operand(value)}")

    def otherwise(self, value: Expr | Literal) -> Expr:
        """Say what is taken where no condition holds.

        >>> import voilage as vo
        >>> vo.when(vo.col("cost") > 100, 1).otherwise(0).sql_text
        'CASE WHEN ("cost" > 100) THEN 1 ELSE 0 END'
        """
        return Expr(f"CASE{self._branches} ELSE {operand(value)} END")


def when(condition: Expr, value: Expr | Literal) -> When:
    """Begin a choice: a value where a condition holds; constants make public group keys.

    >>> import voilage as vo
    >>> visits = vo.demo().project("demo").table("visits")
    >>> grown = vo.when(vo.col("age") < 18, "child").otherwise("adult")
    >>> len(visits.group_by(group=grown).agg(people=vo.count_units()).epsilon(0.5).run())
    2
    """
    return When("").when(condition, value)


def week(column: ColumnInput) -> Expr:
    """Begin of the week of a date, to group by.

    >>> import voilage as vo
    >>> vo.week("visited")
    <voilage.Expr date_trunc('week', "visited")>
    """
    return Expr(f"date_trunc('week', {as_expr(column).sql_text})", "week")


def month(column: ColumnInput) -> Expr:
    """Begin of the month of a date, to group by.

    >>> import voilage as vo
    >>> visits = vo.demo().project("demo").table("visits")
    >>> by_month = visits.group_by(vo.month("visited")).agg(visits=vo.count())
    >>> by_month.epsilon(1).run().columns
    ('month', 'visits')
    """
    return Expr(f"date_trunc('month', {as_expr(column).sql_text})", "month")


def year(column: ColumnInput) -> Expr:
    """Begin of the year of a date, to group by.

    >>> import voilage as vo
    >>> vo.year("visited")
    <voilage.Expr date_trunc('year', "visited")>
    """
    return Expr(f"date_trunc('year', {as_expr(column).sql_text})", "year")


def histogram(column: ColumnInput, lower: float, upper: float, *, bins: int = 10) -> Expr:
    """Bins of one width, to group by; each is shown by where it begins, empty ones too.

    Values outside the bounds count in the first and in the last bin.

    >>> import voilage as vo
    >>> visits = vo.demo().project("demo").table("visits").filter(vo.col("cost").is_not_null())
    >>> by_cost = visits.group_by(vo.histogram("cost", 0, 500)).agg(visits=vo.count())
    >>> result = by_cost.epsilon(1).run()
    >>> result.columns, len(result)
    (('cost_from', 'visits'), 10)
    """
    expr = as_expr(column)
    name = expr._name or "value"
    example = f"write for example vo.histogram({name!r}, 0, 500, bins=10)"
    if isinstance(bins, bool) or not isinstance(bins, int) or not 1 <= bins <= BINS_MAX:
        raise fix_query(f"vo.histogram({name!r}): {bins!r} bins", example)
    if not (math.isfinite(lower) and math.isfinite(upper) and lower < upper):
        raise fix_query(f"vo.histogram({name!r}, {lower}, {upper}) has no width", example)
    ends = f"{literal(float(lower))}, {literal(float(upper))}"
    bucket = f"clamp(width_bucket(CAST({expr.sql_text} AS DOUBLE), {ends}, {bins}), 1, {bins})"
    width = literal((upper - lower) / bins)
    shown = f"({literal(float(lower))} + ({bucket} - 1) * {width})"
    return Expr(bucket, f"{name}_from", shown)
