"""A plain Arrow table without budget or noise: made-up rows and tables with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voilage import _convert, _native
from voilage._html import cell, escape, printable

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

ROWS_SHOWN = 10


class Frame:
    """A table that any Arrow library can import; :meth:`voilage.Study.mock` makes them.

    >>> import voilage as vo
    >>> frame = vo.demo().project("demo").mock(rows=3)["visits"]
    >>> frame.to_arrow().num_rows
    3
    """

    __slots__ = ("_native",)

    def __init__(self, native: _native.Table) -> None:
        self._native = native

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns.

        >>> import voilage as vo
        >>> vo.demo().project("demo").mock(rows=3)["diagnoses"].columns
        ('code', 'name')
        """
        return tuple(name for name, _ in self._native.columns())

    def to_arrow(self) -> pyarrow.Table:
        """Return a `pyarrow.Table`.

        >>> import voilage as vo
        >>> vo.demo().project("demo").mock(rows=3)["diagnoses"].to_arrow().column_names
        ['code', 'name']
        """
        return _convert.to_arrow(self)

    def to_pandas(self) -> pandas.DataFrame:
        """Return a `pandas.DataFrame`.

        >>> import voilage as vo
        >>> len(vo.demo().project("demo").mock(rows=3)["visits"].to_pandas())
        3
        """
        return _convert.to_pandas(self)

    def to_polars(self) -> polars.DataFrame:
        """Return a `polars.DataFrame`.

        >>> import voilage as vo
        >>> vo.demo().project("demo").mock(rows=3)["visits"].to_polars().height
        3
        """
        return _convert.to_polars(self)

    def __arrow_c_schema__(self) -> object:
        return self._native.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._native.__arrow_c_stream__(requested_schema)

    def __len__(self) -> int:
        return len(self._native)

    def _cells(self) -> list[list[str]]:
        return [
            [printable(value) for value in _convert.cells(self._native, position, kind, ROWS_SHOWN)]
            for position, (_, kind) in enumerate(self._native.columns())
        ]

    def __repr__(self) -> str:
        lines = []
        for name, values in zip(self.columns, self._cells(), strict=True):
            more = " .." if len(self) > ROWS_SHOWN else ""
            lines.append(f"  {name}: {', '.join(values)}{more}")
        return "\n".join([f"{len(self)} rows", *lines])

    def _repr_html_(self) -> str:
        head = "".join(cell(escape(name), head=True) for name in self.columns)
        rows = [
            f"<tr>{''.join(cell(escape(value)) for value in row)}</tr>"
            for row in zip(*self._cells(), strict=True)
        ]
        return (
            f"<table><caption style='caption-side:bottom;text-align:left'>{len(self)} rows"
            f"</caption><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        )
