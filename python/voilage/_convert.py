"""From Arrow capsules to the libraries that people work with. Nothing is copied through Python."""

from __future__ import annotations

import datetime as dt
import importlib
from typing import TYPE_CHECKING, Any, Protocol, cast

from voilage import _native

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

EPOCH = dt.datetime(1970, 1, 1)
EPOCH_ORDINAL = dt.date(1970, 1, 1).toordinal()


class Speaker(Protocol):
    """Anything that speaks the Arrow PyCapsule protocol."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


def to_arrow(table: Speaker) -> pyarrow.Table:
    """Return a `pyarrow.Table` over the same memory."""
    return require("pyarrow", "to_arrow", extra="pyarrow").table(table)


def to_pandas(table: Speaker) -> pandas.DataFrame:
    """Return a `pandas.DataFrame`."""
    require("pandas", "to_pandas", extra="pandas")
    return require("pyarrow", "to_pandas", extra="pandas").table(table).to_pandas()


def to_polars(table: Speaker) -> polars.DataFrame:
    """Return a `polars.DataFrame` over the same memory."""
    library = require("polars", "to_polars", extra="polars")
    return cast("polars.DataFrame", library.DataFrame(table))


def require(module: str, method: str, *, extra: str) -> Any:  # noqa: ANN401  (modules are Any)
    """Import an optional library, or say how to get it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{method}() needs {module}, which is not installed\n"
            f"  fix: pip install 'voilage[{extra}]'",
            name=error.name,
        ) from error


def cells(
    table: _native.Result | _native.Table, position: int, kind: str, rows: int | None = None
) -> list[Any]:
    """Return the values of a column as Python's own objects."""
    values = table.values(position, rows)
    if kind == "date":
        return [
            None if value is None else dt.date.fromordinal(EPOCH_ORDINAL + value)
            for value in values
        ]
    if kind == "timestamp":
        return [
            None if value is None else EPOCH + dt.timedelta(microseconds=value) for value in values
        ]
    return values
