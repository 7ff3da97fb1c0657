"""An answer that was paid for, and its conversions."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from voilage import _convert, _native
from voilage._errors import fix_query, suggestion
from voilage._frame import Frame
from voilage._loss import Price
from voilage._render import Cells, as_html, as_text
from voilage._values import Values
from voilage._warnings import warnings_of

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

    from voilage._loss import LossInput
    from voilage._preview import Preview
    from voilage._query import Query


@dataclass(frozen=True, slots=True)
class Estimate:
    """A noisy number of people and the ends of its 95% interval."""

    value: int
    low: int
    high: int

    def __str__(self) -> str:
        return f"{max(self.value, 0):,} [{self.low:,}, {self.high:,}]"


@dataclass(frozen=True, slots=True)
class Cut:
    """How many people had more groups, and more rows in a group, than were kept of them."""

    max_groups: int
    groups: Estimate
    max_rows_per_group: int
    rows: Estimate

    def __str__(self) -> str:
        return (
            f"cut: {self.groups} had more than {self.max_groups} groups, {self.rows} more than "
            f"{self.max_rows_per_group} rows in one"
        )


_NUMBERS = itertools.count()


class Result:
    """A table with 95% intervals and a receipt; made by :meth:`voilage.Query.run`.

    Speaks the Arrow PyCapsule protocol, so that any Arrow library can import it. Reading it in
    any form is free. Intervals cover the noise around the *bounded* answer.

    >>> import voilage as vo
    >>> study = vo.demo().project("demo")
    >>> sql = "SELECT site, COUNT(DISTINCT person) AS people FROM visits GROUP BY site"
    >>> result = study.sql(sql, epsilon=0.5).run()
    >>> result.columns
    ('site', 'people')
    """

    __slots__ = ("_explained", "_native", "_number", "_query")

    def __init__(self, native: _native.Result, explained: dict[str, Any], query: Query) -> None:
        self._native = native
        self._query = query
        self._explained = explained
        # Not id(): that of a result which is gone may be another's.
        self._number = next(_NUMBERS)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> query = study.sql("SELECT COUNT(*) AS visits FROM visits", epsilon=0.5)
        >>> query.run().columns
        ('visits',)
        """
        return tuple(name for name, _ in self._native.columns())

    @property
    def receipt(self) -> dict[str, Any]:
        """What proves the release; the same at every replay.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> result = study.sql("SELECT COUNT(*) AS visits FROM visits", epsilon=0.5).run()
        >>> result.receipt["project"], len(result.receipt["output_hash"])
        ('demo', 64)
        """
        return self._native.receipt

    @property
    def replayed(self) -> bool:
        """Whether the answer had been paid for before, so that nothing was charged now.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> query = study.sql("SELECT COUNT(*) AS visits FROM visits", epsilon=0.5)
        >>> query.run().replayed or query.run().replayed
        True
        """
        return self._native.replayed

    @property
    def release(self) -> str:
        """The release's id: its entry in the ledger and the beginning of its bytes' hash.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> query = study.sql("SELECT COUNT(*) AS visits FROM visits", epsilon=0.5)
        >>> query.run().release == query.run().release
        True
        """
        receipt = self.receipt
        return f"{receipt['charge']}-{receipt['output_hash'][:8]}"

    @property
    def footer(self) -> str:
        """What the answer cost, what was left, and the release's id.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> first = study.sql("SELECT COUNT(*) AS n FROM visits WHERE age = 30", epsilon=0.1).run()
        >>> again = study.sql("SELECT COUNT(*) AS n FROM visits WHERE age = 30", epsilon=0.1).run()
        >>> again.footer.startswith("replayed: nothing was charged now")
        True
        """
        receipt = self.receipt
        if "derived" in receipt:
            return (
                f"free: follows from release {self.release}, and nothing was charged; "
                f"{receipt['derived']}"
            )
        parts = "".join(f", {part['charge']}" for part in receipt.get("combined", []))
        mean = f", the mean of it and{parts[1:]}" if parts else ""
        price = f"{receipt['share']} of {receipt['project']}'s budget"
        left = f"{receipt['left']} was left then" if self.replayed else f"{receipt['left']} is left"
        if self.replayed:
            return (
                f"replayed: nothing was charged now; it cost {price} once, {left}; "
                f"release {self.release}{mean}"
            )
        return f"cost {price}, {left}; release {self.release}{mean}"

    def top_up(
        self,
        *,
        epsilon: LossInput | None = None,
        rho: LossInput | None = None,
        share: LossInput | None = None,
        progress: bool | None = None,
    ) -> Result:
        """Buy more precision: a new draw around the same bounded answer, combined with this one.

        Only this and `run()` spend; the price is that of the new draw alone. With Gaussian noise
        nothing is lost: two steps are as exact as their sum at once. The same top-up again is a
        replay. Quantiles, and projects that are pure, cannot be topped up.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> first = study.sql("SELECT COUNT(*) AS n FROM visits WHERE age < 40", share="1%").run()
        >>> better = first.top_up(share="3%")
        >>> wide, narrow = first["n"], better["n"]
        >>> round((wide.high[0] - wide.low[0]) / (narrow.high[0] - narrow.low[0]))
        2
        """
        return self._more(epsilon, rho, share).run(progress=progress)

    def preview_top_up(
        self,
        *,
        epsilon: LossInput | None = None,
        rho: LossInput | None = None,
        share: LossInput | None = None,
    ) -> Preview:
        """Return what a top-up costs and how exact both together will be. Free.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> first = study.sql("SELECT COUNT(*) AS n FROM visits WHERE age < 40", share="1%").run()
        >>> preview = first.preview_top_up(share="3%")
        >>> preview.share, preview.errors["n"] < first.preview_top_up(share="1%").errors["n"]
        ('3.00%', True)
        """
        return self._more(epsilon, rho, share).preview()

    def _more(
        self, epsilon: LossInput | None, rho: LossInput | None, share: LossInput | None
    ) -> Query:
        query, price = self._query, Price.of(epsilon, rho, share)
        if price == Price():
            raise fix_query("a top-up has a price of its own", 'write top_up(share="1%")')
        return query._study._priced(query.sql_text, price, self.release)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What looks wrong, from public metadata and released values only.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> sql = "SELECT COUNT(DISTINCT person) AS people FROM visits WHERE age = 99"
        >>> for warning in study.sql(sql, epsilon=0.01).run().warnings:
        ...     print(warning)
        small against the noise (marked ~): people 1 of 1
        """
        return tuple(warnings_of(self._cells(), self._explained))

    @property
    def cut(self) -> tuple[Cut, ...]:
        """How many people had more than was kept of them, where `estimate_cut` asked for it.

        >>> import voilage as vo
        >>> visits = vo.demo().project("demo").table("visits")
        >>> question = visits.agg(visits=vo.count())
        >>> question = question.options(max_rows_per_group=2, estimate_cut=True)
        >>> (cut,) = question.epsilon(1).run().cut
        >>> cut.max_rows_per_group, cut.rows.low > 0  # most people come more than twice
        (2, True)
        """
        return tuple(
            Cut(
                max_groups=one["max_groups"],
                groups=Estimate(**one["over_max_groups"]),
                max_rows_per_group=one["max_rows_per_group"],
                rows=Estimate(**one["over_max_rows_per_group"]),
            )
            for one in self._native.cut()
        )

    def __getitem__(self, column: str) -> Values:
        """Return a column with its intervals, to compute with.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> result = study.sql("SELECT COUNT(*) AS visits FROM visits", epsilon=0.5).run()
        >>> thousands = result["visits"] / 1000
        >>> thousands.confidence
        0.95
        """
        position = self._position(column)
        kind = self._native.columns()[position][1]
        if kind not in {"int", "float"}:
            raise fix_query(f"{column} is no number", "take a column of numbers")
        value = [float("nan") if cell is None else float(cell) for cell in self._values(position)]
        ends = self._native.interval(position)
        if ends is None:
            raise fix_query(
                f"{column} has no interval: it is a group key, or computed from released values",
                "select the columns that it is computed from, and combine them here",
            )
        low = [float("-inf") if end is None else end for end in ends[0]]
        high = [float("inf") if end is None else end for end in ends[1]]
        labels = self._labels()
        return Values(column, value, low, high, frozenset({(self._number, column)}), labels)

    def plot(self, column: str | None = None, *, by: str | None = None, bars: bool = False) -> Any:  # noqa: ANN401
        """Plot a column with its intervals over the group keys: points, or bars.

        Returns an Altair chart, or a static picture where Altair is not installed.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> sql = "SELECT site, COUNT(DISTINCT person) AS people FROM visits GROUP BY site"
        >>> chart = study.sql(sql, epsilon=0.5).run().plot("people", bars=True)
        """
        from voilage._plots import plot_result  # noqa: PLC0415  (imported when it is needed)

        cells = self._cells()
        for name in (column, by):
            if name is not None:
                self._position(name)
        return plot_result(cells, column, by, bars=bars)

    def to_arrow(self, *, intervals: bool = False) -> pyarrow.Table:
        """Return a `pyarrow.Table`; `intervals` adds `<name>_low` and `<name>_high`.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> result = study.sql("SELECT COUNT(*) AS visits FROM visits", epsilon=0.5).run()
        >>> result.to_arrow(intervals=True).column_names
        ['visits', 'visits_low', 'visits_high']
        """
        return _convert.to_arrow(self._table(intervals))

    def to_pandas(self, *, intervals: bool = False) -> pandas.DataFrame:
        """Return a `pandas.DataFrame`; `intervals` adds `<name>_low` and `<name>_high`.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> result = study.sql("SELECT COUNT(*) AS visits FROM visits", epsilon=0.5).run()
        >>> result.to_pandas(intervals=True).columns.to_list()
        ['visits', 'visits_low', 'visits_high']
        """
        return _convert.to_pandas(self._table(intervals))

    def to_polars(self, *, intervals: bool = False) -> polars.DataFrame:
        """Return a `polars.DataFrame`; `intervals` adds `<name>_low` and `<name>_high`.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> result = study.sql("SELECT COUNT(*) AS visits FROM visits", epsilon=0.5).run()
        >>> result.to_polars().columns
        ['visits']
        """
        return _convert.to_polars(self._table(intervals))

    def to_dict(self, *, intervals: bool = False) -> dict[str, list[Any]]:
        """Return lists of Python's own objects by column, which needs no other library.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> sql = "SELECT site, COUNT(*) AS visits FROM visits GROUP BY site"
        >>> study.sql(sql, epsilon=0.5).run().to_dict()["site"]
        ['East', 'North', 'South', None]
        """
        table = self._table(intervals)
        return {
            name: _convert.cells(table, position, kind)
            for position, (name, kind) in enumerate(table.columns())
        }

    def with_intervals(self) -> Frame:
        """Return the table with `<name>_low` and `<name>_high` behind each noisy column.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> result = study.sql("SELECT COUNT(*) AS visits FROM visits", epsilon=0.5).run()
        >>> result.with_intervals().columns
        ('visits', 'visits_low', 'visits_high')
        """
        return Frame(self._native.with_intervals())

    def __arrow_c_schema__(self) -> object:
        return self._native.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._native.__arrow_c_stream__(requested_schema)

    def __len__(self) -> int:
        return len(self._native)

    def __repr__(self) -> str:
        return as_text(self._cells(), self._below())

    def _repr_html_(self) -> str:
        return as_html(self._cells(), self._below())

    def _repr_mimebundle_(
        self,
        include: object = None,  # noqa: ARG002  (the protocol's signature)
        exclude: object = None,  # noqa: ARG002
    ) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self._repr_html_()}

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.columns)

    def _table(self, intervals: bool) -> _native.Result | _native.Table:
        return self._native.with_intervals() if intervals else self._native

    def _position(self, column: str) -> int:
        if column not in self.columns:
            raise fix_query(f"the result has no column {column}", suggestion(column, self.columns))
        return self.columns.index(column)

    def _values(self, position: int, rows: int | None = None) -> list[Any]:
        return _convert.cells(self._native, position, self._native.columns()[position][1], rows)

    def _cells(self) -> list[Cells]:
        return [
            Cells(name, kind, self._values(position), self._native.interval(position))
            for position, (name, kind) in enumerate(self._native.columns())
        ]

    def _labels(self) -> tuple[str, ...] | None:
        """Return what each row is about: its group keys."""
        keys = [cells for cells in self._cells() if cells.ends is None]
        if not keys:
            return None
        return tuple(" ".join(cells.shown(row)[0] for cells in keys) for row in range(len(self)))

    def _below(self) -> list[str]:
        return [*self.warnings, *map(str, self.cut), self.footer]
