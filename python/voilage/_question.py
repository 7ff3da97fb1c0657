"""Groups and aggregates over a table: a statement that lacks only its price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from voilage._aggregate import Aggregate, Aggregates, Place
from voilage._errors import fix_query, suggestion
from voilage._expr import Expr, identifier, literal
from voilage._loss import LossInput, loss_text

if TYPE_CHECKING:
    from voilage._query import Query
    from voilage._study import Study
    from voilage._table import Table


def key_name(key: str | Expr) -> str:
    name = key if isinstance(key, str) else key._name
    if name is None:
        raise fix_query(
            f"the group key {key!r} has no name", "write group_by(name=...) to give it one"
        )
    return name


def spread(named: Mapping[str, Aggregate | Aggregates]) -> dict[str, Aggregate]:
    """Return each aggregate by the name of its column; of several under one name, each of them."""
    found: dict[str, Aggregate] = {}
    for name, one in named.items():
        if isinstance(one, Aggregate):
            parts = {name: one}
        elif isinstance(one, Aggregates):
            parts = {f"{name}_{part}": aggregate for part, aggregate in one.items()}
        else:
            raise TypeError(
                f"{name} is {type(one).__name__}, not an aggregate\n"
                f"  fix: write for example {name}=vo.count_units()"
            )
        for column, aggregate in parts.items():
            if column in found:
                raise fix_query(f"two columns are called {column}", f"rename {name}")
            found[column] = aggregate
    return found


class Grouped:
    """Rows in groups; made by :meth:`voilage.Table.group_by`.

    >>> import voilage as vo
    >>> vo.demo().project("demo").table("visits").group_by("site")
    <voilage.Grouped by site>
    """

    __slots__ = ("_grouping", "_keys", "_sets", "_table")

    def __init__(
        self,
        table: Table,
        keys: tuple[tuple[str, Expr], ...],
        grouping: str = "",
        sets: tuple[tuple[str, ...], ...] = (),
    ) -> None:
        self._table = table
        self._keys = keys
        self._grouping = grouping
        self._sets = sets

    def agg(self, **aggregates: Aggregate | Aggregates) -> Unpriced:
        """Name what is asked of each group.

        >>> import voilage as vo
        >>> visits = vo.demo().project("demo").table("visits")
        >>> visits.group_by("site").agg(visits=vo.count(), total=vo.sum("cost")).epsilon(0.5)
        <voilage.Query 'SELECT "site", COUNT(*) AS "visits", SUM("cost") AS "total" FROM ...>
        """
        if not aggregates:
            raise fix_query("agg() asks for nothing", "write agg(people=vo.count_units())")
        self._table._source.must_be_about_people()
        columns = spread(aggregates)
        for name, _ in self._keys:
            if name in columns:
                raise fix_query(f"{name} is a group key already", f"name the column {name}_2")
        return Unpriced(
            self._table._study, Parts(self._table, self._keys, columns, self._grouping, self._sets)
        )

    def __repr__(self) -> str:
        how = f"{self._grouping.lower()} of " if self._grouping else ""
        return f"<voilage.Grouped by {how}{', '.join(name for name, _ in self._keys)}>"


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a statement."""

    table: Table
    keys: tuple[tuple[str, Expr], ...]
    aggregates: dict[str, Aggregate]
    grouping: str = ""
    """How the keys make groups: plainly, or by ROLLUP, CUBE or GROUPING SETS over positions."""
    sets: tuple[tuple[str, ...], ...] = ()
    order: str | None = None
    rows: int | None = None
    options: tuple[tuple[str, str], ...] = ()

    def sql(self) -> str:
        """Return the statement."""
        place = Place(self.table._source.unit_sql)
        shown = [_aliased(expr, name) for name, expr in self.keys]
        shown += [
            f"{aggregate._render(place)} AS {identifier(name)}"
            for name, aggregate in self.aggregates.items()
        ]
        stated = ", ".join(f"{name} = {text}" for name, text in self.options)
        clause = f" WITH DIFFERENTIAL_PRIVACY OPTIONS({stated})" if stated else ""
        text = f"SELECT{clause} {', '.join(shown)} FROM {self.table._from_where()}"
        if self.keys:
            text += f" GROUP BY {self._groups()}"
        if self.order is not None:
            text += f" ORDER BY {self.order}"
        if self.rows is not None:
            text += f" LIMIT {self.rows}"
        return text

    def _groups(self) -> str:
        by_name = {name: expr.sql_text for name, expr in self.keys}
        if self.grouping == "GROUPING SETS":
            sets = (f"({', '.join(by_name[name] for name in names)})" for names in self.sets)
            return f"GROUPING SETS ({', '.join(sets)})"
        keys = ", ".join(by_name.values())
        return f"{self.grouping} ({keys})" if self.grouping else keys


def _aliased(key: Expr, name: str) -> str:
    plain = key._name == name and key._shown.rpartition(".")[2] == identifier(name)
    return key._shown if plain else f"{key._shown} AS {identifier(name)}"


class Unpriced:
    """A question without a price; made by `agg`. Say what it may cost to get a query.

    >>> import voilage as vo
    >>> visits = vo.demo().project("demo").table("visits")
    >>> question = visits.agg(people=vo.count_units())
    >>> question.share("1%").preview().share
    '1.00%'
    """

    __slots__ = ("_parts", "_study")

    def __init__(self, study: Study, parts: Parts) -> None:
        self._study = study
        self._parts = parts

    @property
    def sql_text(self) -> str:
        """The question as SQL: what the engine reads.

        >>> import voilage as vo
        >>> vo.demo().project("demo").table("visits").agg(visits=vo.count()).sql_text
        'SELECT COUNT(*) AS "visits" FROM "visits"'
        """
        return self._parts.sql()

    def sort(self, column: str, *, descending: bool = False) -> Unpriced:
        """Order the released rows. Free.

        >>> import voilage as vo
        >>> visits = vo.demo().project("demo").table("visits")
        >>> by_site = visits.group_by("site").agg(people=vo.count_units())
        >>> by_site.sort("people", descending=True).head(2).sql_text.endswith("DESC LIMIT 2")
        True
        """
        known = [name for name, _ in self._parts.keys] + list(self._parts.aggregates)
        if column not in known:
            raise fix_query(f"the result has no column {column}", suggestion(column, known))
        order = f"{identifier(column)}{' DESC' if descending else ''}"
        return Unpriced(self._study, replace(self._parts, order=order))

    def head(self, rows: int) -> Unpriced:
        """Keep the first released rows. Free.

        >>> import voilage as vo
        >>> visits = vo.demo().project("demo").table("visits")
        >>> top = visits.group_by("site").agg(people=vo.count_units()).sort("site").head(1)
        >>> len(top.epsilon(0.5).run())
        1
        """
        if isinstance(rows, bool) or not isinstance(rows, int) or rows < 0:
            raise fix_query(f"head({rows!r}) keeps no number of rows", "write head(10)")
        return Unpriced(self._study, replace(self._parts, rows=rows))

    def options(  # noqa: PLR0913  (each is named by the caller)
        self,
        *,
        min_units: int | None = None,
        max_groups: int | None = None,
        max_rows_per_group: int | None = None,
        selection_delta: LossInput | None = None,
        weights: Mapping[str, float] | None = None,
        estimate_cut: bool = False,
        consistent: bool = False,
    ) -> Unpriced:
        """Change how the question is answered, within what the data holder allows.

        `min_units` leaves out groups of fewer people. `max_groups` and `max_rows_per_group` say in
        how many groups a person counts, and with how many rows in each: fewer mean less noise and
        more left out. `selection_delta` is what learned keys may spend of delta. `weights` split
        the price between the columns: one of weight 2 gets twice the share of one of weight 1.
        `estimate_cut` also estimates how many people had more groups or rows than are kept, for a
        fifth of a column's price. `consistent` shows counts as 0 or more, and totals as the sums of
        their parts, for free. All stand in the SQL.

        >>> import voilage as vo
        >>> visits = vo.demo().project("demo").table("visits")
        >>> question = visits.group_by("diagnosis").agg(people=vo.count_units())
        >>> question.options(min_units=50, max_groups=1).epsilon(0.5).run().columns
        ('diagnosis', 'people')
        >>> question = visits.agg(people=vo.count_units(), cost=vo.mean("cost"))
        >>> even = question.epsilon(0.5).preview().errors
        >>> uneven = question.options(weights={"cost": 4}).epsilon(0.5).preview().errors
        >>> uneven["cost"] < even["cost"], uneven["people"] > even["people"]
        (True, True)
        """
        numbers = {
            "min_units": min_units,
            "max_groups_contributed": max_groups,
            "max_rows_per_group": max_rows_per_group,
        }
        stated = dict(self._parts.options)
        for name, number in numbers.items():
            if number is None:
                continue
            if isinstance(number, bool) or not isinstance(number, int) or number < 1:
                raise fix_query(
                    f"options: {name} is {number!r}, and it is a whole number from 1 on",
                    "write for example options(min_units=20)",
                )
            stated[name] = str(number)
        delta = loss_text("delta", selection_delta)
        if delta is not None:
            stated["delta"] = literal(delta)
        if weights is not None:
            stated["weights"] = literal(self._weights(weights))
        for name, wanted in (("estimate_cut", estimate_cut), ("consistent", consistent)):
            if wanted:
                stated[name] = "true"
        return Unpriced(self._study, replace(self._parts, options=tuple(stated.items())))

    def _weights(self, weights: Mapping[str, float]) -> str:
        known = list(self._parts.aggregates)
        for name, weight in weights.items():
            if name not in known:
                raise fix_query(f"weights: there is no column {name}", suggestion(name, known))
            good = isinstance(weight, int | float) and not isinstance(weight, bool)
            if not (good and 0.001 <= weight <= 1000):
                raise fix_query(
                    f"weights: that of {name} is {weight!r}, and it is a number from 0.001 to 1000",
                    f"write for example options(weights={{{name!r}: 2}})",
                )
        if not weights:
            raise fix_query("weights: none is given", "write weights={..}, or leave it out")
        return ", ".join(f"{name} = {Decimal(str(weight)):f}" for name, weight in weights.items())

    def epsilon(self, epsilon: LossInput) -> Query:
        """Let the question alone be (epsilon, delta)-private.

        >>> import voilage as vo
        >>> visits = vo.demo().project("demo").table("visits")
        >>> visits.agg(people=vo.count_units()).epsilon(0.5).sql_text
        'SELECT COUNT(DISTINCT "person") AS "people" FROM "visits"'
        """
        return self._study.sql(self.sql_text, epsilon=epsilon)

    def rho(self, rho: LossInput) -> Query:
        """Let the question cost so much zero-concentrated loss; these add up.

        >>> import voilage as vo
        >>> visits = vo.demo().project("demo").table("visits")
        >>> visits.agg(people=vo.count_units()).rho("0.001").preview().loss["rho"] <= "0.001"
        True
        """
        return self._study.sql(self.sql_text, rho=rho)

    def share(self, share: str) -> Query:
        """Let the question cost a share of the project's budget; these add up.

        >>> import voilage as vo
        >>> visits = vo.demo().project("demo").table("visits")
        >>> visits.agg(people=vo.count_units()).share("2%").preview().share
        '2.00%'
        """
        return self._study.sql(self.sql_text, share=share)

    def with_error(self, **errors: float) -> Query:
        """Take the cheapest price at which each column is within its error at 95%.

        A mean's error is that of a group of 1,000 rows; a quantile's is a number of rows, as in
        :attr:`voilage.Preview.errors`.

        >>> import voilage as vo
        >>> visits = vo.demo().project("demo").table("visits")
        >>> query = visits.agg(people=vo.count_units()).with_error(people=25)
        >>> query.preview().errors["people"] <= 25
        True
        """
        return self._study._cheapest(self.sql_text, errors)

    def __repr__(self) -> str:
        return f"<voilage.Unpriced {self.sql_text!r}: .epsilon(..), .share(..) or .with_error(..)>"
