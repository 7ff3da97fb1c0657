"""An answer that was paid for, and its conversions."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, cast

from voilage import _native

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow


class Result:
    """A table with 95% intervals and a receipt; made by :meth:`voilage.Query.run`.

    Speaks the Arrow PyCapsule protocol, so that any Arrow library can import it. Reading it in
    any form is free.
    """

    __slots__ = ("_native",)

    def __init__(self, native: _native.Result) -> None:
        self._native = native

    @property
    def receipt(self) -> dict[str, Any]:
        """What proves the release; the same at every replay."""
        return self._native.receipt

    @property
    def replayed(self) -> bool:
        """Whether the answer had been paid for before, so that nothing was charged now."""
        return self._native.replayed

    def to_arrow(self, *, intervals: bool = False) -> pyarrow.Table:
        """Return a `pyarrow.Table`; `intervals` adds `<name>_low` and `<name>_high`.

        >>> result.to_arrow().column_names  # doctest: +SKIP
        ['plan', 'people']
        """
        pyarrow = _require("pyarrow", "to_arrow", extra="pyarrow")
        return pyarrow.table(self._table(intervals))

    def to_pandas(self, *, intervals: bool = False) -> pandas.DataFrame:
        """Return a `pandas.DataFrame`; `intervals` adds `<name>_low` and `<name>_high`.

        >>> result.to_pandas(intervals=True)  # doctest: +SKIP
        """
        _require("pandas", "to_pandas", extra="pandas")
        pyarrow = _require("pyarrow", "to_pandas", extra="pandas")
        return pyarrow.table(self._table(intervals)).to_pandas()

    def to_polars(self, *, intervals: bool = False) -> polars.DataFrame:
        """Return a `polars.DataFrame`; `intervals` adds `<name>_low` and `<name>_high`.

        >>> result.to_polars(intervals=True)  # doctest: +SKIP
        """
        library = _require("polars", "to_polars", extra="polars")
        return cast("polars.DataFrame", library.DataFrame(self._table(intervals)))

    def __arrow_c_schema__(self) -> object:
        return self._native.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._native.__arrow_c_stream__(requested_schema)

    def __len__(self) -> int:
        return len(self._native)

    def __repr__(self) -> str:
        return repr(self._native)

    def _repr_html_(self) -> str:
        return self._native._repr_html_()

    def _table(self, intervals: bool) -> _native.Result | _native.Table:
        return self._native.with_intervals() if intervals else self._native


def _require(module: str, method: str, *, extra: str) -> Any:  # noqa: ANN401  (modules are Any)
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{method}() needs {module}, which is not installed\n"
            f"  fix: pip install 'voilage[{extra}]'",
            name=error.name,
        ) from error
