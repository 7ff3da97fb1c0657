"""Rows that are made up from a schema. No data comes near this file."""

from __future__ import annotations

import datetime as dt
import math
import random
from typing import Any

from voilage import _native
from voilage._convert import EPOCH, EPOCH_ORDINAL
from voilage._errors import fix_query
from voilage._frame import Frame
from voilage._schema import Column, Schema, TableSchema

ROWS_MAX = 10_000_000
NULL_RATE = 0.02
FIRST_DAY = dt.date(2020, 1, 1).toordinal() - EPOCH_ORDINAL
DAYS = 5 * 365
MICROSECONDS_PER_DAY = 86_400_000_000


def mock(schema: Schema, rows: int, seed: int) -> dict[str, Frame]:
    """Return made-up rows of every table; units are shared between tables."""
    if isinstance(rows, bool) or not isinstance(rows, int) or not 0 <= rows <= ROWS_MAX:
        raise fix_query(f"mock(rows={rows!r}) is no number of rows", "write mock(rows=1000)")
    kept = {name: table for name, table in schema.items() if table.rows != "refused"}
    return {name: _frame(table, rows, seed) for name, table in kept.items()}


def _frame(table: TableSchema, rows: int, seed: int) -> Frame:
    made_up = random.Random(f"{seed}:{table.name}")  # noqa: S311  (made-up rows are no secret)
    columns = []
    for column in table.columns.values():
        is_unit = column.name == table.unit
        values = [
            _unit(column, made_up, rows) if is_unit else _value(column, made_up)
            for _ in range(rows)
        ]
        columns.append((column.name, column.type, values))
    return Frame(_native.Table.of(columns, rows))


def _unit(column: Column, made_up: random.Random, rows: int) -> int | str:
    """Each person has about three rows."""
    number = made_up.randint(1, max(1, rows // 3))
    return f"unit-{number}" if column.type == "utf8" else number


def _value(column: Column, made_up: random.Random) -> Any:  # noqa: ANN401, PLR0911
    if made_up.random() < NULL_RATE:
        return None
    if column.values is not None:
        chosen = made_up.choice(column.values)
        return _number(chosen) if isinstance(chosen, dt.date) else chosen
    if column.bounds is not None:
        lower, upper = (_number(end) for end in column.bounds)
        return (
            made_up.uniform(lower, upper)
            if column.type == "float64"
            else _whole(made_up, lower, upper)
        )
    if column.type == "bool":
        return made_up.random() < 0.5
    if column.type == "date":
        return FIRST_DAY + made_up.randrange(DAYS)
    if column.type == "timestamp":
        return FIRST_DAY * MICROSECONDS_PER_DAY + made_up.randrange(DAYS * MICROSECONDS_PER_DAY)
    if column.type == "utf8":
        return f"text-{made_up.randint(1, 20)}"
    return made_up.randint(1, 100) if column.type == "int64" else made_up.uniform(0, 100)


def _number(value: Any) -> Any:  # noqa: ANN401  (what Arrow holds for it)
    """Return days or microseconds since 1970 for dates and timestamps."""
    if isinstance(value, dt.datetime):
        return (value - EPOCH) // dt.timedelta(microseconds=1)
    return value.toordinal() - EPOCH_ORDINAL if isinstance(value, dt.date) else value


def _whole(made_up: random.Random, lower: float, upper: float) -> int:
    return made_up.randint(math.ceil(lower), math.floor(upper))
