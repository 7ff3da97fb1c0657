"""Tables that people have: Arrow, pandas and Polars objects, DuckDB relations, files, dicts."""

from __future__ import annotations

import datetime as dt
import glob
import importlib.util
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from voilage import _native
from voilage._convert import EPOCH, EPOCH_ORDINAL
from voilage._errors import fix_query

TableInput: TypeAlias = Any
"""A path or glob of Parquet or CSV files, any object that speaks Arrow, or a dict of lists."""

TAKES = (
    "a Parquet or CSV path, a pandas or Polars frame, an Arrow table, a DuckDB relation or a dict"
)
CASTS = {
    "UInt64": "cast it to int64",
    "Decimal": "cast it to float64",
    "Date64": "cast it to date32",
    "Null": "drop it: it holds nothing",
}


def rows_of(name: str, data: TableInput) -> _native.Input:
    """Return the rows of whatever a data holder has, after looking at names and types only."""
    rows = _opened(name, data)
    seen: set[str] = set()
    for column, arrow, kind in rows.columns():
        if column in seen:
            raise fix_query(
                f"table {name}: two columns are called {column}", "give each a name of its own"
            )
        seen.add(column)
        if kind is None:
            raise fix_query(
                f"table {name}: column {column} has type {arrow}, which the hub does not know",
                _cast(column, arrow),
            )
    return rows


def _cast(column: str, arrow: str) -> str:
    if arrow.startswith("Timestamp"):
        return (
            f"convert {column} to UTC and drop the zone, in pandas: "
            f'df["{column}"] = df["{column}"].dt.tz_convert("UTC").dt.tz_localize(None)'
        )
    if arrow.startswith(("List", "LargeList", "Struct", "Map", "FixedSizeList")):
        return f"spread {column} over plain columns, or drop it"
    known = next((fix for start, fix in CASTS.items() if arrow.startswith(start)), None)
    return known or f"convert {column} to bool, int64, float64, text, date or timestamp"


def _opened(name: str, data: TableInput) -> _native.Input:
    if isinstance(data, str | os.PathLike):
        return _from_files(name, os.fspath(data))
    if isinstance(data, Mapping):
        return _native.Input.arrow(_from_lists(name, data))
    if not (hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__")):
        raise TypeError(
            f"table {name}: {type(data).__name__} holds no table that can be read\n"
            f"  fix: hand in {TAKES}"
        )
    _check_pandas(name, data)
    try:
        return _native.Input.arrow(data)
    except ImportError as error:
        raise ModuleNotFoundError(
            f"table {name}: {error.name or 'a library'} is needed to read {type(data).__name__}\n"
            "  fix: pip install pyarrow",
            name=error.name,
        ) from error
    except Exception:  # whatever the library says may show a value
        raise fix_query(
            f"table {name}: {type(data).__name__} cannot be turned into Arrow",
            "give each column one type; in pandas: df.convert_dtypes()",
        ) from None


def _check_pandas(name: str, data: TableInput) -> None:
    """Name what pandas would only complain about with a value in hand."""
    if type(data).__module__.partition(".")[0] != "pandas":
        return
    labels = list(data.columns)
    for label in labels:
        if labels.count(label) > 1:
            raise fix_query(
                f"table {name}: two columns are called {label}", "give each a name of its own"
            )
        if str(data.dtypes[label]) != "object":
            continue
        kinds = sorted({type(cell).__name__ for cell in data[label] if cell is not None})
        if len([kind for kind in kinds if kind != "float"]) > 1 or kinds[:1] not in (["str"], []):
            raise fix_query(
                f"table {name}: column {label} has dtype object and holds {', '.join(kinds)}",
                f'give it one type, for example df["{label}"] = df["{label}"].astype("string")',
            )


def _from_files(name: str, place: str) -> _native.Input:
    found = sorted(glob.glob(place)) or ([place] if Path(place).exists() else [])  # noqa: PTH207
    paths = [Path(path) for path in found]
    if not paths:
        raise fix_query(f"table {name}: no file matches {place}", "correct the path")
    endings = {path.suffix.lower() for path in paths}
    if endings == {".parquet"}:
        return _native.Input.parquet(paths)
    if endings == {".csv"}:
        return _from_csv(name, paths)
    raise fix_query(
        f"table {name}: {place} names {' and '.join(sorted(endings)) or 'no'} files",
        "name Parquet files (.parquet) or CSV files (.csv), one kind at a time",
    )


def _from_csv(name: str, paths: Sequence[Path]) -> _native.Input:
    """Read CSV with the library that is there; the engine itself reads Parquet."""
    try:
        if importlib.util.find_spec("pyarrow") is not None:
            import pyarrow as pa  # noqa: PLC0415  (optional)
            from pyarrow import csv  # noqa: PLC0415

            return _native.Input.arrow(pa.concat_tables(csv.read_csv(path) for path in paths))
        if importlib.util.find_spec("polars") is not None:
            import polars as pl  # noqa: PLC0415  (optional)

            return _native.Input.arrow(pl.concat([pl.read_csv(path) for path in paths]))
    except Exception:  # whatever the library says may show a value
        raise fix_query(
            f"table {name}: {paths[0]} is not CSV with one header and one type per column",
            "read it with the library you know, and hand the frame in",
        ) from None
    raise ModuleNotFoundError(
        f"table {name}: reading CSV needs pyarrow or polars\n  fix: pip install pyarrow"
    )


def _from_lists(name: str, data: Mapping[str, Sequence[Any]]) -> _native.Table:
    columns = [(column, *_typed(name, column, list(values))) for column, values in data.items()]
    rows = len(columns[0][2]) if columns else 0
    if any(len(values) != rows for _, _, values in columns):
        raise fix_query(f"table {name}: its columns differ in length", "make them equally long")
    return _native.Table.of(columns, rows)


def _typed(name: str, column: str, values: list[Any]) -> tuple[str, list[Any]]:
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {bool} and kinds:
        return "bool", values
    if kinds <= {int} and kinds:
        return "int64", values
    if kinds <= {int, float}:
        return "float64", values
    if kinds == {str}:
        return "utf8", values
    if kinds == {dt.datetime} and all(value is None or value.tzinfo is None for value in values):
        micro = dt.timedelta(microseconds=1)
        return "timestamp", [None if v is None else (v - EPOCH) // micro for v in values]
    if kinds == {dt.date}:
        return "date", [None if v is None else v.toordinal() - EPOCH_ORDINAL for v in values]
    words = ", ".join(sorted(kind.__name__ for kind in kinds))
    raise fix_query(
        f"table {name}: column {column} holds {words}",
        "give it one type: bool, int, float, str, date or datetime without a time zone",
    )
