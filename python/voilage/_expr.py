"""Typed expressions over columns. They become SQL text; the engine decides what it means."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from decimal import Decimal
from typing import Never, TypeAlias

from voilage._errors import fix_query

Literal: TypeAlias = bool | int | float | str | Decimal | dt.date | dt.datetime
"""What a column may be compared with."""

INT_MAX = 2**63 - 1


def identifier(name: str) -> str:
    """Return a name as SQL reads it, whatever characters are in it.

    >>> print(identifier("meddol"), identifier('odd "name" here'))
    "meddol" "odd ""name"" here"
    """
    if not isinstance(name, str):
        raise TypeError(f"a name is a str, not {type(name).__name__}")
    if not name or "\0" in name:
        raise fix_query(f"{name!r} cannot be a name", "use the names in study.schema()")
    return '"' + name.replace('"', '""') + '"'


def literal(value: object) -> str:  # noqa: PLR0911  (one return for each type)
    """Return a constant as SQL reads it.

    >>> literal("it's"), literal(-3), literal(0.5), literal(True)
    ("'it''s'", '-3', '0.5', 'TRUE')
    """
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        if abs(value) > INT_MAX:
            raise fix_query(f"{value} does not fit 64 bits", "use a smaller integer, or a float")
        return str(value)
    if isinstance(value, float):
        return _number(float.__repr__(value), finite=math.isfinite(value))
    if isinstance(value, Decimal):
        return _number(format(value, "f"), finite=value.is_finite())
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dt.datetime):
        if value.tzinfo is not None:
            raise fix_query(
                f"{value} has a time zone, and the hub's timestamps have none",
                "write value.astimezone(datetime.UTC).replace(tzinfo=None)",
            )
        return f"TIMESTAMP '{value.isoformat(sep=' ')}'"
    if isinstance(value, dt.date):
        return f"DATE '{value.isoformat()}'"
    item = getattr(value, "item", None)  # numpy's scalars
    if callable(item):
        return literal(item())
    raise TypeError(f"a constant is a number, text or date, not {type(value).__name__}")


def _number(text: str, *, finite: bool) -> str:
    if not finite:
        raise fix_query(f"{text} is no number to compare or compute with", "use a finite number")
    return text


def _text(value: str) -> str:
    if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise fix_query("a text has characters that SQL cannot hold", "remove NUL and surrogates")
    return "'" + value.replace("'", "''") + "'"


class Expr:
    """An expression over the columns of one row; made by :func:`voilage.col`.

    >>> import voilage as vo
    >>> (vo.col("age") >= 65) & vo.col("site").is_in(["North", "South"])
    <voilage.Expr (("age" >= 65) AND ("site" IN ('North', 'South')))>
    """

    # So that numpy's numbers leave arithmetic with an expression to the expression.
    __array_ufunc__ = None
    __slots__ = ("_name", "_shown", "_sql")
    # == makes an expression, so that nothing can be found by it.
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, sql: str, name: str | None = None, shown: str | None = None) -> None:
        self._sql = sql
        self._name = name
        self._shown = shown or sql

    @property
    def sql_text(self) -> str:
        """The expression as SQL.

        >>> import voilage as vo
        >>> (vo.col("age") < 18).sql_text
        '("age" < 18)'
        """
        return self._sql

    def __eq__(self, other: object) -> Expr:  # type: ignore[override]
        return self._compare("=", other)

    def __ne__(self, other: object) -> Expr:  # type: ignore[override]
        return self._compare("<>", other)

    def __lt__(self, other: Expr | Literal) -> Expr:
        return self._compare("<", other)

    def __le__(self, other: Expr | Literal) -> Expr:
        return self._compare("<=", other)

    def __gt__(self, other: Expr | Literal) -> Expr:
        return self._compare(">", other)

    def __ge__(self, other: Expr | Literal) -> Expr:
        return self._compare(">=", other)

    def __and__(self, other: Expr) -> Expr:
        return self._both("AND", other)

    def __or__(self, other: Expr) -> Expr:
        return self._both("OR", other)

    def __invert__(self) -> Expr:
        return Expr(f"(NOT {self._sql})")

    def __add__(self, other: Expr | Literal) -> Expr:
        return self._compare("+", other)

    def __radd__(self, other: Literal) -> Expr:
        return Expr(f"({literal(other)} + {self._sql})")

    def __sub__(self, other: Expr | Literal) -> Expr:
        return self._compare("-", other)

    def __rsub__(self, other: Literal) -> Expr:
        return Expr(f"({literal(other)} - {self._sql})")

    def __mul__(self, other: Expr | Literal) -> Expr:
        return self._compare("*", other)

    def __rmul__(self, other: Literal) -> Expr:
        return Expr(f"({literal(other)} * {self._sql})")

    def __truediv__(self, other: Expr | Literal) -> Expr:
        return self._compare("/", other)

    def __rtruediv__(self, other: Literal) -> Expr:
        return Expr(f"({literal(other)} / {self._sql})")

    def __mod__(self, other: Expr | Literal) -> Expr:
        return self._compare("%", other)

    def __neg__(self) -> Expr:
        return Expr(f"(- {self._sql})")

    def __bool__(self) -> Never:
        raise TypeError(
            "an expression has no truth value here\n"
            "  fix: write & | ~ instead of and, or, not, with each comparison in parentheses; "
            "and x.between(a, b) instead of a < x < b"
        )

    def is_in(self, values: Iterable[Literal]) -> Expr:
        """Whether the value is one of a list.

        >>> import voilage as vo
        >>> vo.col("year").is_in([2024, 2025])
        <voilage.Expr ("year" IN (2024, 2025))>
        """
        if isinstance(values, str):
            raise TypeError("is_in takes a list of values\n  fix: write is_in([...])")
        listed = [literal(value) for value in values]
        if not listed:
            raise fix_query("is_in([]) is never true", "list at least one value")
        return Expr(f"({self._sql} IN ({', '.join(listed)}))")

    def between(self, lower: Literal, upper: Literal) -> Expr:
        """Whether the value lies between two, both included.

        >>> import voilage as vo
        >>> vo.col("age").between(18, 64)
        <voilage.Expr ("age" BETWEEN 18 AND 64)>
        """
        return Expr(f"({self._sql} BETWEEN {literal(lower)} AND {literal(upper)})")

    def is_null(self) -> Expr:
        """Whether the value is missing.

        >>> import voilage as vo
        >>> vo.col("cost").is_null()
        <voilage.Expr ("cost" IS NULL)>
        """
        return Expr(f"({self._sql} IS NULL)")

    def is_not_null(self) -> Expr:
        """Whether the value is there.

        >>> import voilage as vo
        >>> vo.col("cost").is_not_null()
        <voilage.Expr ("cost" IS NOT NULL)>
        """
        return Expr(f"({self._sql} IS NOT NULL)")

    def clip(self, lower: float, upper: float) -> Expr:
        """Cut numbers at two bounds; this gives any number a range, so that it can be summed.

        >>> import voilage as vo
        >>> vo.col("cost").clip(0, 100)
        <voilage.Expr clamp("cost", 0, 100)>
        """
        return Expr(f"clamp({self._sql}, {literal(lower)}, {literal(upper)})", self._name)

    def fill_null(self, value: Literal) -> Expr:
        """Put a value where there is none.

        >>> import voilage as vo
        >>> vo.col("cost").fill_null(0)
        <voilage.Expr COALESCE("cost", 0)>
        """
        return Expr(f"COALESCE({self._sql}, {literal(value)})", self._name)

    def like(self, pattern: str) -> Expr:
        """Whether a text has a form: `%` stands for any letters, `_` for one.

        >>> import voilage as vo
        >>> vo.col("diagnosis").like("E1%")
        <voilage.Expr ("diagnosis" LIKE 'E1%')>
        """
        return Expr(f"({self._sql} LIKE {literal(pattern)})")

    def __repr__(self) -> str:
        return f"<voilage.Expr {self._sql}>"

    def _compare(self, operator: str, other: object) -> Expr:
        if other is None:
            raise TypeError("nothing equals NULL\n  fix: write .is_null() or .is_not_null()")
        return Expr(f"({self._sql} {operator} {operand(other)})")

    def _both(self, operator: str, other: object) -> Expr:
        if not isinstance(other, Expr):
            raise TypeError(
                f"{operator} joins two conditions, not a condition and {type(other).__name__}\n"
                "  fix: put each comparison in parentheses: (a == 1) & (b == 2)"
            )
        return Expr(f"({self._sql} {operator} {other._sql})")


def operand(value: object) -> str:
    """Return an expression or a constant as SQL."""
    if isinstance(value, Expr):
        return value._sql
    return literal(value)


def col(name: str, *, table: str | None = None) -> Expr:
    """Name a column; `table` says whose, where several tables of a join have it.

    >>> import voilage as vo
    >>> vo.col("year") == 2025
    <voilage.Expr ("year" = 2025)>
    >>> vo.col("name", table="diagnoses")
    <voilage.Expr "diagnoses"."name">
    """
    place = identifier(name) if table is None else f"{identifier(table)}.{identifier(name)}"
    return Expr(place, name)


ColumnInput: TypeAlias = str | Expr
"""A column's name, or an expression over columns."""


def as_expr(column: ColumnInput) -> Expr:
    """Return the expression that a name or an expression stands for."""
    return column if isinstance(column, Expr) else col(column)
