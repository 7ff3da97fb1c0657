"""A project: its budget, its tables, and the place to ask questions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voilage import _native
from voilage._budget import Budget
from voilage._loss import Price
from voilage._query import Query
from voilage._schema import Schema
from voilage._search import cheapest
from voilage._table import Source, Table

if TYPE_CHECKING:
    from voilage._frame import Frame
    from voilage._hub import Door
    from voilage._loss import LossInput


TRIAL_SHARE = "1%"


class Study:
    """One project of a hub; made by :meth:`voilage.Hub.project`.

    >>> import voilage as vo
    >>> study = vo.demo().project("demo")
    >>> query = study.sql("SELECT COUNT(DISTINCT person) AS people FROM visits", epsilon=0.5)
    """

    __slots__ = ("_door", "_generation", "_name", "_native")

    def __init__(self, door: Door, name: str) -> None:
        self._door = door
        self._name = name
        self._generation = door.generation()
        self._native = door.native().project(name)

    @property
    def name(self) -> str:
        """The project's name.

        >>> import voilage as vo
        >>> vo.demo().project("demo").name
        'demo'
        """
        return self._name

    @property
    def budget(self) -> Budget:
        """The budget as the ledger has it now: a card in a notebook. Free.

        >>> import voilage as vo
        >>> vo.demo().project("demo").budget.accountant
        'zcdp'
        """
        return Budget(self._engine().budget())

    def sql(
        self,
        sql: str,
        *,
        epsilon: LossInput | None = None,
        rho: LossInput | None = None,
        share: LossInput | None = None,
    ) -> Query:
        """Analyse and price a question. Reads no record and charges nothing.

        Say one of `epsilon` (this statement alone is so private), `rho`, or `share` (of the
        project's budget, like ``"2%"``), here or afterwards by the query's methods of these names;
        or let the price follow from an error. A question that cannot be answered privately raises
        :class:`voilage.FixQuery` or :class:`voilage.PolicyRefused` with a rewrite.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> study.sql("SELECT COUNT(DISTINCT person) AS people FROM visits", share="2%")
        <voilage.Query 'SELECT COUNT(DISTINCT person) AS people FROM visits' at a share of 2%: ...>
        >>> query = study.sql("SELECT COUNT(DISTINCT person) AS people FROM visits")
        >>> query.with_error(people=25).preview().errors["people"] <= 25
        True
        """
        price = Price.of(epsilon, rho, share)
        try:
            return self._priced(sql, price)
        except _native.NoPrice:
            pass
        # It is analysed at a price of no consequence, so that what is wrong with it shows now.
        return Query(self, self._engine().sql(sql, share=TRIAL_SHARE), None)

    def table(self, name: str) -> Table:
        """Begin a question with a table; an unknown name raises :class:`voilage.FixQuery`.

        >>> import voilage as vo
        >>> vo.demo().project("demo").table("visits")
        <voilage.Table SELECT * FROM "visits">
        """
        entry = self.schema()[name]
        source = Source(
            sql=f'"{entry.name}"',
            unit=entry.unit,
            tables=(entry.name,),
            columns=frozenset(entry.columns),
            about_people=entry.rows != "public",
        )
        return Table(self, source)

    def schema(self) -> Schema:
        """Return what everybody may know about tables and views: types, bounds, values, sources.

        >>> import voilage as vo
        >>> schema = vo.demo().project("demo").schema()
        >>> schema["visits"].unit, schema["visits"]["cost"].bounds
        ('person', (0.0, 500.0))
        """
        return Schema._of(self._engine().schema())

    def mock(self, rows: int = 1000, *, seed: int = 0) -> dict[str, Frame]:
        """Make up rows for each table, from `schema()` alone, to try code on. Never looks at data.

        >>> import voilage as vo
        >>> mock = vo.demo().project("demo").mock(rows=5)
        >>> mock["visits"].columns, len(mock["visits"])
        (('age', 'cost', 'diagnosis', 'person', 'site', 'visited', 'year'), 5)
        """
        from voilage._mock import mock  # noqa: PLC0415  (imported when it is needed)

        return mock(self.schema(), rows, seed)

    def _priced(self, sql: str, price: Price, release: str | None = None) -> Query:
        """Price a question, or more precision for a release of it."""
        native = self._engine().sql(
            sql, epsilon=price.epsilon, rho=price.rho, share=price.share, release=release
        )
        return Query(self, native, price, release)

    def _cheapest(self, sql: str, errors: dict[str, float]) -> Query:
        return cheapest(self, sql, errors)

    def _engine(self) -> _native.Study:
        """Return the engine's study, of the hub file as it was last read."""
        generation = self._door.generation()
        if generation != self._generation:
            self._native = self._door.native().project(self._name)
            self._generation = generation
        return self._native

    def __repr__(self) -> str:
        return f"<voilage.Study {self._name!r}>"
