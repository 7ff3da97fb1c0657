"""Columns of a result with their intervals, and arithmetic that carries them along."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TypeAlias

from voilage._errors import fix_query
from voilage._number import is_small
from voilage._render import Cells, as_html, as_text

Number: TypeAlias = int | float
Interval: TypeAlias = tuple[float, float]

TINY = 1e-200
"""A denominator that may be so near to zero says nothing: its quotient may overflow."""


class Values:
    """One column of a result: values, ends, and how surely all ends hold the exact answers.

    Arithmetic combines intervals conservatively: the ends are the least and the greatest that the
    operands' intervals allow. That is right however the noise of the operands hangs together (a
    mean and a count may share noise), and its price is confidence: of two columns of 95% both
    hold with at least 90%. A ratio that SQL computes is one column of its own.

    >>> import voilage as vo
    >>> study = vo.demo().project("demo")
    >>> sql = "SELECT COUNT(*) AS visits, COUNT(DISTINCT person) AS people FROM visits"
    >>> result = study.sql(sql, epsilon=1).run()
    >>> each = result["visits"] / result["people"]
    >>> each.confidence, each.low[0] < each.value[0] < each.high[0]
    (0.9, True)
    """

    # So that numpy's numbers leave arithmetic with a column to the column.
    __array_ufunc__ = None
    __slots__ = ("_high", "_labels", "_low", "_sources", "_value", "name")

    def __init__(  # noqa: PLR0913, PLR0917  (made in two places)
        self,
        name: str,
        value: list[float],
        low: list[float],
        high: list[float],
        sources: frozenset[tuple[int, str]],
        labels: tuple[str, ...] | None = None,
    ) -> None:
        self.name = name
        self._value = value
        self._low = low
        self._high = high
        self._sources = sources
        self._labels = labels

    @property
    def value(self) -> list[float]:
        """The released values, one per row.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> query = study.sql("SELECT COUNT(*) AS visits FROM visits", epsilon=1)
        >>> visits = query.run()["visits"]
        >>> len(visits.value)
        1
        """
        return list(self._value)

    @property
    def low(self) -> list[float]:
        """The lower ends, one per row.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> query = study.sql("SELECT COUNT(*) AS visits FROM visits", epsilon=1)
        >>> visits = query.run()["visits"]
        >>> visits.low < visits.value
        True
        """
        return list(self._low)

    @property
    def high(self) -> list[float]:
        """The upper ends, one per row.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> query = study.sql("SELECT COUNT(*) AS visits FROM visits", epsilon=1)
        >>> visits = query.run()["visits"]
        >>> visits.high > visits.value
        True
        """
        return list(self._high)

    @property
    def confidence(self) -> float:
        """At least so surely does a row's interval hold the exact answer over bounded rows.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> query = study.sql("SELECT COUNT(*) AS visits FROM visits", epsilon=1)
        >>> visits = query.run()["visits"]
        >>> visits.confidence, (visits + 1).confidence
        (0.95, 0.95)
        """
        return max(0.0, round(1 - 0.05 * len(self._sources), 10))

    @property
    def small(self) -> list[bool]:
        """Which values are too small against their noise to be trusted.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> query = study.sql("SELECT COUNT(*) AS visits FROM visits", epsilon=1)
        >>> visits = query.run()["visits"]
        >>> visits.small
        [False]
        """
        rows = zip(self._value, self._low, self._high, strict=True)
        return [is_small(value, low, high) for value, low, high in rows]

    def __add__(self, other: Values | Number) -> Values:
        return self._combine("+", other, lambda a, b: a + b, _added)

    def __radd__(self, other: Number) -> Values:
        return self + other

    def __sub__(self, other: Values | Number) -> Values:
        return self._combine("-", other, lambda a, b: a - b, _subtracted)

    def __rsub__(self, other: Number) -> Values:
        return -self + other

    def __mul__(self, other: Values | Number) -> Values:
        return self._combine("*", other, lambda a, b: a * b, _multiplied)

    def __rmul__(self, other: Number) -> Values:
        return self * other

    def __truediv__(self, other: Values | Number) -> Values:
        return self._combine("/", other, _quotient, _divided)

    def __rtruediv__(self, other: Number) -> Values:
        return self._constant(other) / self

    def __neg__(self) -> Values:
        return self * -1

    def __len__(self) -> int:
        return len(self._value)

    def __iter__(self) -> Iterator[tuple[float, float, float]]:
        return iter(list(zip(self._value, self._low, self._high, strict=True)))

    def _constant(self, number: Number) -> Values:
        if hasattr(number, "item"):  # numpy's scalars
            number = number.item()
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise TypeError(f"a column is combined with columns and numbers, not {number!r}")
        same = [float(number)] * len(self)
        return Values(f"{number:g}", same, same, same, frozenset())

    def _combine(
        self,
        operator: str,
        other: Values | Number,
        exact: Callable[[float, float], float],
        ends: Callable[[Interval, Interval], Interval],
    ) -> Values:
        right = other if isinstance(other, Values) else self._constant(other)
        if len(right) != len(self):
            raise fix_query(
                f"{self.name} has {len(self)} rows and {right.name} {len(right)}",
                "combine columns of one result",
            )
        labels = self._labels if self._labels is not None else right._labels
        if labels is not None and right._labels not in {None, labels}:
            raise fix_query(
                f"the rows of {self.name} and {right.name} have other group keys, or another order",
                "group both by the same keys, and sort them the same way",
            )
        low, high = [], []
        for a, b in zip(self._pairs(), right._pairs(), strict=True):
            bottom, top = ends(a, b)
            low.append(bottom)
            high.append(top)
        value = [exact(a, b) for a, b in zip(self._value, right._value, strict=True)]
        name = f"({self.name} {operator} {right.name})"
        return Values(name, value, low, high, self._sources | right._sources, labels)

    def _pairs(self) -> list[Interval]:
        return list(zip(self._low, self._high, strict=True))

    def _shown(self) -> Cells:
        ends: tuple[list[float | None], list[float | None]] = ([*self._low], [*self._high])
        return Cells(self.name, "float", [*self._value], ends)

    def _table(self) -> list[Cells]:
        column = self._shown()
        if self._labels is None:
            return [column]
        return [Cells("", "text", [*self._labels], None), column]

    def _note(self) -> list[str]:
        return [f"[intervals hold with at least {self.confidence:.0%}]"]

    def __repr__(self) -> str:
        return as_text(self._table(), self._note(), note="")

    def _repr_html_(self) -> str:
        return as_html(self._table(), self._note(), note="")


def _added(a: Interval, b: Interval) -> Interval:
    return a[0] + b[0], a[1] + b[1]


def _subtracted(a: Interval, b: Interval) -> Interval:
    return a[0] - b[1], a[1] - b[0]


def _multiplied(a: Interval, b: Interval) -> Interval:
    corners = [x * y for x in a for y in b]
    corners = [0.0 if math.isnan(corner) else corner for corner in corners]
    return min(corners), max(corners)


def _divided(a: Interval, b: Interval) -> Interval:
    if b[0] <= TINY and b[1] >= -TINY:
        return -math.inf, math.inf
    return _multiplied(a, (1 / b[1], 1 / b[0]))


def _quotient(a: float, b: float) -> float:
    return a / b if b != 0 else math.nan
