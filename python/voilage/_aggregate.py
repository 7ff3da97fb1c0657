"""What may be asked about many people: counts, sums, means, spreads, quantiles, and arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeAlias

from voilage._errors import fix_query
from voilage._expr import ColumnInput, Expr, as_expr, literal

Bound: TypeAlias = int | float


@dataclass(frozen=True, slots=True)
class Place:
    """Where an aggregate is written: how the unit is called there, and the rows it reads."""

    unit: Callable[[], str]
    conditions: tuple[str, ...] = ()

    def read(self, call: str) -> str:
        """Return a call with its FILTER, if there is one."""
        if not self.conditions:
            return call
        return f"{call} FILTER (WHERE {' AND '.join(self.conditions)})"


Render: TypeAlias = Callable[[Place], str]


class Aggregate:
    """A private statistic, not yet asked; made by :func:`voilage.mean` and its siblings.

    Arithmetic between aggregates is free: it happens on released values.

    >>> import voilage as vo
    >>> vo.sum("cost", 0, 500) / vo.count()
    <voilage.Aggregate (CAST(SUM(clamp("cost", 0, 500)) AS DOUBLE) / NULLIF(COUNT(*), 0))>
    """

    # So that numpy's numbers leave arithmetic with an aggregate to the aggregate.
    __array_ufunc__ = None
    __slots__ = ("_render",)

    def __init__(self, render: Render) -> None:
        self._render = render

    def where(self, *conditions: Expr) -> Aggregate:
        """Read only the rows for which all conditions hold: FILTER in SQL.

        Other aggregates of the question keep their rows, so that parts and wholes stand side by
        side. Of a ratio both parts are restricted.

        >>> import voilage as vo
        >>> old = vo.col("age") >= 65
        >>> vo.count_units().where(old) / vo.count_units()  # the share of the old
        <voilage.Aggregate (CAST(COUNT(DISTINCT unit) FILTER (WHERE ("age" >= 65)) AS DOUBLE) / ...>
        """
        if not conditions:
            raise fix_query("where() names no condition", 'write where(vo.col("age") >= 65)')
        for condition in conditions:
            if not isinstance(condition, Expr):
                raise TypeError(
                    f"where takes conditions, not {type(condition).__name__}\n"
                    '  fix: write for example where(vo.col("year") == 1)'
                )
        texts = tuple(condition.sql_text for condition in conditions)
        return Aggregate(
            lambda place: self._render(replace(place, conditions=texts + place.conditions))
        )

    def __add__(self, other: Aggregate | Bound) -> Aggregate:
        return self._with("+", other)

    def __sub__(self, other: Aggregate | Bound) -> Aggregate:
        return self._with("-", other)

    def __mul__(self, other: Aggregate | Bound) -> Aggregate:
        return self._with("*", other)

    def __truediv__(self, other: Aggregate | Bound) -> Aggregate:
        return _divided(self._render, _rendered(other))

    def __radd__(self, other: Bound) -> Aggregate:
        return self + other

    def __rmul__(self, other: Bound) -> Aggregate:
        return self * other

    def __rsub__(self, other: Bound) -> Aggregate:
        left = literal(other)
        return Aggregate(lambda place: f"({left} - {self._render(place)})")

    def __rtruediv__(self, other: Bound) -> Aggregate:
        return _divided(_rendered(other), self._render)

    def __neg__(self) -> Aggregate:
        return Aggregate(lambda place: f"(- {self._render(place)})")

    def __repr__(self) -> str:
        return f"<voilage.Aggregate {self._render(Place(lambda: 'unit'))}>"

    def _with(self, operator: str, other: Aggregate | Bound) -> Aggregate:
        right = _rendered(other)
        return Aggregate(lambda place: f"({self._render(place)} {operator} {right(place)})")


class Aggregates(Mapping[str, Aggregate]):
    """Several statistics under one name; made by :func:`voilage.quantiles`.

    >>> import voilage as vo
    >>> list(vo.quantiles("cost", [0.25, 0.75], 0, 500))
    ['p25', 'p75']
    """

    __slots__ = ("_parts",)

    def __init__(self, parts: dict[str, Aggregate]) -> None:
        self._parts = parts

    def where(self, *conditions: Expr) -> Aggregates:
        """Read only the rows for which all conditions hold; as :meth:`voilage.Aggregate.where`.

        >>> import voilage as vo
        >>> vo.quantiles("cost", [0.5], 0, 500).where(vo.col("age") >= 65)["p50"]
        <voilage.Aggregate APPROX_PERCENTILE_CONT(clamp("cost", 0, 500), 0.5) FILTER (WHERE ...)>
        """
        return Aggregates({name: one.where(*conditions) for name, one in self._parts.items()})

    def __getitem__(self, name: str) -> Aggregate:
        return self._parts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def __repr__(self) -> str:
        return f"<voilage.Aggregates {', '.join(self._parts)}>"


def _rendered(value: Aggregate | Bound) -> Render:
    if isinstance(value, Aggregate):
        return value._render
    text = literal(value)
    return lambda _place: text


def _divided(above: Render, below: Render) -> Aggregate:
    return Aggregate(lambda place: f"(CAST({above(place)} AS DOUBLE) / NULLIF({below(place)}, 0))")


def _of(function: str, *arguments: str) -> Aggregate:
    call = f"{function}({', '.join(arguments)})"
    return Aggregate(lambda place: place.read(call))


def bounded(
    function: str, column: ColumnInput, ends: tuple[Bound | None, Bound | None], *others: str
) -> str:
    """Return a column as SQL, cut at the bounds if there are any; `others` are for messages."""
    lower, upper = ends
    expr = as_expr(column)
    if lower is None and upper is None:
        return expr.sql_text
    call = ", ".join([f"vo.{function}({expr._name or expr.sql_text!r}", *others])
    example = f"write for example {call}, 0, 5_000)"
    if lower is None or upper is None:
        raise fix_query(f"{call}): one bound is missing", example)
    for bound in (lower, upper):
        if not isinstance(bound, int | float) or isinstance(bound, bool):
            kind = type(bound).__name__
            raise fix_query(f"{call}): a bound is a number, not {kind}", example)
        if not math.isfinite(bound):
            raise fix_query(f"{call}): a bound is {bound}", example)
    if lower >= upper:
        raise fix_query(
            f"{call}, {lower}, {upper}): the lower bound is not below the upper",
            f"write {call}, {upper}, {lower})" if lower > upper else example,
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
    return Aggregate(lambda place: place.read(f"COUNT(DISTINCT {place.unit()})"))


def count_distinct(column: ColumnInput) -> Aggregate:
    """Count the different values of a column.

    Each person counts with at most as many of their values as rows are kept of them. To count
    people, use :func:`voilage.count_units`: it is the most exact count there is.

    >>> import voilage as vo
    >>> visits = vo.demo().project("demo").table("visits")
    >>> visits.group_by("site").agg(diagnoses=vo.count_distinct("diagnosis")).epsilon(0.5).sql_text
    'SELECT "site", COUNT(DISTINCT "diagnosis") AS "diagnoses" FROM "visits" GROUP BY "site"'
    """
    return _of("COUNT", f"DISTINCT {as_expr(column).sql_text}")


def sum(  # noqa: A001  (`vo.sum` reads well)
    column: ColumnInput, lower: Bound | None = None, upper: Bound | None = None
) -> Aggregate:
    """Add up a column. Values are cut at the bounds: the given ones and those declared for it.

    >>> import voilage as vo
    >>> vo.sum("cost", 0, 500)
    <voilage.Aggregate SUM(clamp("cost", 0, 500))>
    """
    return _of("SUM", bounded("sum", column, (lower, upper)))


def mean(column: ColumnInput, lower: Bound | None = None, upper: Bound | None = None) -> Aggregate:
    """Average a column over rows. Values are cut at the bounds: the given and the declared ones.

    Tighter bounds mean less noise and more bias; `study.schema()` shows what is declared.

    >>> import voilage as vo
    >>> vo.mean("cost", 0, 500)
    <voilage.Aggregate AVG(clamp("cost", 0, 500))>
    """
    return _of("AVG", bounded("mean", column, (lower, upper)))


def is_total(key: ColumnInput) -> Aggregate:
    """Whether a row of a rollup or cube is a total over a key: 1, or 0. Free.

    >>> import voilage as vo
    >>> visits = vo.demo().project("demo").table("visits")
    >>> question = visits.rollup("site").agg(all_sites=vo.is_total("site"), visits=vo.count())
    >>> question.epsilon(0.5).run().columns
    ('site', 'all_sites', 'visits')
    """
    text = as_expr(key).sql_text
    return Aggregate(lambda _place: f"GROUPING({text})")


def variance(
    column: ColumnInput, lower: Bound | None = None, upper: Bound | None = None, *, ddof: int = 1
) -> Aggregate:
    """Take the variance of a column over rows: of a sample, or with `ddof=0` of all there are.

    >>> import voilage as vo
    >>> vo.variance("cost", 0, 500)
    <voilage.Aggregate VAR(clamp("cost", 0, 500))>
    >>> vo.variance("cost", ddof=0)
    <voilage.Aggregate VAR_POP("cost")>
    """
    function = _spread("variance", ddof, ("VAR_POP", "VAR"))
    return _of(function, bounded("variance", column, (lower, upper)))


def std(
    column: ColumnInput, lower: Bound | None = None, upper: Bound | None = None, *, ddof: int = 1
) -> Aggregate:
    """Take the standard deviation of a column over rows, as :func:`voilage.variance` does.

    >>> import voilage as vo
    >>> visits = vo.demo().project("demo").table("visits")
    >>> question = visits.agg(cost=vo.mean("cost"), spread=vo.std("cost"))
    >>> question.epsilon(1).run().columns
    ('cost', 'spread')
    """
    function = _spread("std", ddof, ("STDDEV_POP", "STDDEV"))
    return _of(function, bounded("std", column, (lower, upper)))


def _spread(function: str, ddof: int, names: tuple[str, str]) -> str:
    if isinstance(ddof, bool) or ddof not in (0, 1):
        raise fix_query(
            f"vo.{function}(ddof={ddof!r}): only 0 and 1 are known",
            "leave ddof out for a sample's, or write ddof=0 for that of all rows",
        )
    return names[ddof]


def median(
    column: ColumnInput, lower: Bound | None = None, upper: Bound | None = None
) -> Aggregate:
    """Find the middle value of a column. Outliers move it less than they move a mean.

    A private search between the bounds; the interval may be wide where values are few.

    >>> import voilage as vo
    >>> visits = vo.demo().project("demo").table("visits")
    >>> visits.agg(cost=vo.median("cost", 0, 500)).epsilon(1).run().columns
    ('cost',)
    """
    return _of("MEDIAN", bounded("median", column, (lower, upper)))


def quantile(
    column: ColumnInput, share: float, lower: Bound | None = None, upper: Bound | None = None
) -> Aggregate:
    """Find the value below which a share of the rows lies, as a private search.

    >>> import voilage as vo
    >>> vo.quantile("cost", 0.9, 0, 500)
    <voilage.Aggregate APPROX_PERCENTILE_CONT(clamp("cost", 0, 500), 0.9)>
    """
    text = _share("quantile", column, share)
    value = bounded("quantile", column, (lower, upper), text)
    return _of("APPROX_PERCENTILE_CONT", value, text)


def quantiles(
    column: ColumnInput,
    shares: Iterable[float] = (0.25, 0.5, 0.75),
    lower: Bound | None = None,
    upper: Bound | None = None,
) -> Aggregates:
    """Find several quantiles of a column; each becomes a column of its own.

    >>> import voilage as vo
    >>> visits = vo.demo().project("demo").table("visits")
    >>> question = visits.agg(cost=vo.quantiles("cost", [0.25, 0.5, 0.9], 0, 500))
    >>> question.epsilon(1).run().columns
    ('cost_p25', 'cost_p50', 'cost_p90')
    """
    wanted = [_share("quantiles", column, share) for share in shares]
    if not wanted:
        name = as_expr(column)._name or "value"
        raise fix_query(
            f"vo.quantiles({name!r}, []) asks for nothing",
            f"write for example vo.quantiles({name!r}, [0.25, 0.5, 0.75], 0, 5_000)",
        )
    value = bounded("quantiles", column, (lower, upper), f"[{', '.join(wanted)}]")
    return Aggregates(
        {_percent(text): _of("APPROX_PERCENTILE_CONT", value, text) for text in wanted}
    )


def _share(function: str, column: ColumnInput, share: float) -> str:
    """Return a share between 0 and 1 as plain digits."""
    name = as_expr(column)._name or "value"
    number = isinstance(share, int | float) and not isinstance(share, bool)
    if not (number and 0 < share < 1):
        listed = ("[0.25, 0.9]", "0.9")[function == "quantile"]
        raise fix_query(
            f"vo.{function}({name!r}): {share!r} is no share between 0 and 1",
            f"write for example vo.{function}({name!r}, {listed}, 0, 5_000)",
        )
    return f"{Decimal(float.__repr__(float(share))):f}"


def _percent(share: str) -> str:
    """Return what a quantile's column is called: p50, p2_5."""
    return f"p{(Decimal(share) * 100).normalize():f}".replace(".", "_")


def min(  # noqa: A001  (`vo.min` reads well)
    column: ColumnInput, lower: Bound | None = None, upper: Bound | None = None
) -> Aggregate:
    """Find about the smallest value: the one that a hundredth of the rows lies below.

    The very smallest belongs to one person, and no private answer may depend on one. As a feature
    of each person (:meth:`voilage.Table.per_unit`) it is exact.

    >>> import voilage as vo
    >>> visits = vo.demo().project("demo").table("visits")
    >>> visits.agg(least=vo.min("cost"), most=vo.max("cost")).epsilon(1).run().columns
    ('least', 'most')
    """
    return _of("MIN", bounded("min", column, (lower, upper)))


def max(  # noqa: A001  (`vo.max` reads well)
    column: ColumnInput, lower: Bound | None = None, upper: Bound | None = None
) -> Aggregate:
    """Find about the largest value: the one that a hundredth of the rows lies above.

    The very largest belongs to one person; see :func:`voilage.min`.

    >>> import voilage as vo
    >>> vo.max("cost", 0, 500)
    <voilage.Aggregate MAX(clamp("cost", 0, 500))>
    """
    return _of("MAX", bounded("max", column, (lower, upper)))
