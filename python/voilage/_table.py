"""The typed builder: tables, filters, groups and aggregates that become SQL text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from voilage._aggregate import Aggregate, Aggregates, Place
from voilage._errors import fix_query, suggestion
from voilage._expr import Expr, as_expr, identifier
from voilage._question import Grouped, Unpriced, key_name, spread

if TYPE_CHECKING:
    from voilage._study import Study

Key: TypeAlias = str | Expr


@dataclass(frozen=True, slots=True)
class Source:
    """What stands behind FROM: its SQL, its unit and the tables in it, by their names in SQL."""

    sql: str
    unit: str | None
    tables: tuple[str, ...]
    columns: frozenset[str]
    about_people: bool = True

    def must_be_about_people(self) -> None:
        """Refuse to ask about rows that nobody owns."""
        if not self.about_people:
            raise fix_query(
                f"{self.tables[0]} is a public table, so nobody's rows are in it",
                "begin with a table of the project's dataset, and join this one to it",
            )

    def unit_sql(self) -> str:
        """Return the unit column, qualified where several tables could have one."""
        self.must_be_about_people()
        if self.unit is None:
            raise fix_query(
                f"the view {self.tables[0]} does not show the unit, so that units cannot be told "
                "apart in it",
                "count rows with vo.count(), or have the data holder add the column to the view",
            )
        if len(self.tables) == 1:
            return identifier(self.unit)
        return f"{identifier(self.tables[0])}.{identifier(self.unit)}"


class Table:
    """Rows of a table, filtered and joined; made by :meth:`voilage.Study.table`.

    Nothing is read and nothing costs anything until a question with a price is run.

    >>> import voilage as vo
    >>> study = vo.demo().project("demo")
    >>> adults = study.table("visits").filter(vo.col("age") >= 18)
    >>> question = adults.group_by("site").agg(people=vo.count_units(), cost=vo.mean("cost"))
    >>> query = question.epsilon(0.5)
    >>> query.run().columns
    ('site', 'people', 'cost')
    """

    __slots__ = ("_filters", "_source", "_study")

    def __init__(self, study: Study, source: Source, filters: tuple[str, ...] = ()) -> None:
        self._study = study
        self._source = source
        self._filters = filters

    def filter(self, *conditions: Expr) -> Table:
        """Keep the rows for which all conditions hold.

        >>> import voilage as vo
        >>> visits = vo.demo().project("demo").table("visits")
        >>> visits.filter(vo.col("year") == 2025, vo.col("age") >= 65)
        <voilage.Table SELECT * FROM "visits" WHERE ("year" = 2025) AND ("age" >= 65)>
        """
        for condition in conditions:
            if not isinstance(condition, Expr):
                raise TypeError(
                    f"filter takes conditions, not {type(condition).__name__}\n"
                    '  fix: write for example filter(vo.col("year") == 1)'
                )
        texts = tuple(condition.sql_text for condition in conditions)
        return Table(self._study, self._source, self._filters + texts)

    def drop_nulls(self, *columns: str) -> Table:
        """Keep the rows in which these columns have a value.

        >>> import voilage as vo
        >>> vo.demo().project("demo").table("visits").drop_nulls("site")
        <voilage.Table SELECT * FROM "visits" WHERE ("site" IS NOT NULL)>
        """
        return self.filter(*(as_expr(column).is_not_null() for column in columns))

    def join(self, other: Table, *, on: str | tuple[str, str] | None = None) -> Table:
        """Join another table on equal columns.

        A public table needs `on`: a column that both have, or the column here and the one there.
        Another table of people is joined on the person.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> visits = study.table("visits").join(study.table("diagnoses"), on=("diagnosis", "code"))
        >>> visits.group_by("name").agg(people=vo.count_units()).epsilon(0.5).run().columns
        ('name', 'people')
        """
        if other._filters:
            raise fix_query(
                f"{other._source.tables[0]} is filtered before it is joined",
                "join first and filter the result",
            )
        if other._source.unit is not None and on is None:
            pair = (self._source.unit_sql(), identifier(other._source.unit))
        elif on is None:
            raise fix_query(
                f"the join with the public table {other._source.tables[0]} names no columns",
                'write on="column", or on=("column here", "column there")',
            )
        else:
            here, there = (on, on) if isinstance(on, str) else on
            pair = (self._place(here), identifier(there))
        here_sql = pair[0] if "." in pair[0] else f"{identifier(self._source.tables[0])}.{pair[0]}"
        name = identifier(other._source.tables[0])
        source = Source(
            sql=f"{self._source.sql} JOIN {other._source.sql} ON {here_sql} = {name}.{pair[1]}",
            unit=self._source.unit,
            tables=self._source.tables + other._source.tables,
            columns=self._source.columns | other._source.columns,
            about_people=self._source.about_people,
        )
        return Table(self._study, source, self._filters)

    def units_where(self, *conditions: Expr) -> Cohort:
        """Name the people who have at least one row for which all conditions hold.

        >>> import voilage as vo
        >>> visits = vo.demo().project("demo").table("visits")
        >>> visits.units_where(vo.col("diagnosis") == "E11")
        <voilage.Cohort SELECT "person" FROM "visits" WHERE ("diagnosis" = 'E11')>
        """
        kept = self.filter(*conditions)
        unit = kept._source.unit_sql()
        return Cohort(f"SELECT {unit} FROM {kept._from_where()}")  # noqa: S608  (quoted)

    def in_cohort(self, cohort: Cohort) -> Table:
        """Keep the rows of the people of a cohort.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> visits = study.table("visits")
        >>> diabetics = visits.units_where(vo.col("diagnosis") == "E11")
        >>> visits.in_cohort(diabetics).agg(visits=vo.count()).epsilon(0.5).run().columns
        ('visits',)
        """
        condition = f"({self._source.unit_sql()} IN ({cohort.sql_text}))"
        return Table(self._study, self._source, (*self._filters, condition))

    def not_in_cohort(self, cohort: Cohort) -> Table:
        """Keep the rows of the people who are not in a cohort.

        >>> import voilage as vo
        >>> visits = vo.demo().project("demo").table("visits")
        >>> old = visits.units_where(vo.col("age") >= 65)
        >>> visits.not_in_cohort(old).agg(visits=vo.count()).epsilon(0.5).run().columns
        ('visits',)
        """
        condition = f"({self._source.unit_sql()} NOT IN ({cohort.sql_text}))"
        return Table(self._study, self._source, (*self._filters, condition))

    def per_unit(self) -> PerUnit:
        """Make one row of each person's rows: `agg` says what it holds.

        >>> import voilage as vo
        >>> visits = vo.demo().project("demo").table("visits")
        >>> each = visits.per_unit().agg(visits=vo.count())
        >>> each.agg(visits=vo.mean("visits", 0, 6)).epsilon(0.5).run().columns
        ('visits',)
        """
        return PerUnit(self)

    def group_by(self, *keys: Key, **named: Key) -> Grouped:
        """Group by columns, or by named expressions.

        Keys whose values are declared are public: each shows, empty ones too, at no cost. Other
        keys are learned: a key shows if enough people have it, which costs some of delta.

        >>> import voilage as vo
        >>> visits = vo.demo().project("demo").table("visits")
        >>> visits.group_by("site").agg(visits=vo.count()).sql_text
        'SELECT "site", COUNT(*) AS "visits" FROM "visits" GROUP BY "site"'
        """
        return Grouped(self, self._keys(keys, named))

    def rollup(self, *keys: Key, **named: Key) -> Grouped:
        """Group by all keys, by all but the last, and so on: parts with their totals.

        Each level is bounded, drawn and paid for by itself, and so more exact than a sum of parts;
        that also means that parts need not add up. In a row that is a total over a key, the key is
        NULL, and :func:`voilage.is_total` says so.

        >>> import voilage as vo
        >>> visits = vo.demo().project("demo").table("visits").drop_nulls("site")
        >>> question = visits.rollup("site").agg(total=vo.is_total("site"), visits=vo.count())
        >>> len(question.epsilon(0.5).run())  # three sites, and all together
        4
        """
        return self._grouped("ROLLUP", keys, named)

    def cube(self, *keys: Key, **named: Key) -> Grouped:
        """Group by every selection of the keys; see :meth:`rollup`.

        >>> import voilage as vo
        >>> visits = vo.demo().project("demo").table("visits")
        >>> visits.cube("site", "year").agg(visits=vo.count()).sql_text
        'SELECT "site", "year", COUNT(*) AS "visits" FROM "visits" GROUP BY CUBE ("site", "year")'
        """
        return self._grouped("CUBE", keys, named)

    def group_by_sets(self, *sets: tuple[str, ...]) -> Grouped:
        """Group by several lists of columns at once, an empty one for all rows; see :meth:`rollup`.

        >>> import voilage as vo
        >>> visits = vo.demo().project("demo").table("visits")
        >>> margins = visits.group_by_sets(("site",), ("year",), ())
        >>> margins.agg(visits=vo.count()).sql_text.partition(" GROUP BY ")[2]
        'GROUPING SETS (("site"), ("year"), ())'
        """
        names = dict.fromkeys(name for names in sets for name in names)
        if not names:
            raise fix_query("group_by_sets() names no column", 'write group_by_sets(("site",), ())')
        keys = self._keys(tuple(names), {})
        return Grouped(self, keys, "GROUPING SETS", tuple(tuple(one) for one in sets))

    def _grouped(self, how: str, keys: tuple[Key, ...], named: dict[str, Key]) -> Grouped:
        if not keys and not named:
            raise fix_query(f"{how.lower()}() names no key", f'write {how.lower()}("site")')
        return Grouped(self, self._keys(keys, named), how)

    def _keys(self, keys: tuple[Key, ...], named: dict[str, Key]) -> tuple[tuple[str, Expr], ...]:
        pairs = [(key_name(key), as_expr(key)) for key in keys]
        pairs += [(name, as_expr(key)) for name, key in named.items()]
        for name, expr in pairs:
            if expr._sql == identifier(name) and name not in self._source.columns:
                raise fix_query(
                    f"{self._source.tables[0]} has no column {name}",
                    suggestion(name, sorted(self._source.columns)),
                )
        return tuple(pairs)

    def agg(self, **aggregates: Aggregate | Aggregates) -> Unpriced:
        """Ask about all rows together; `group_by` first for one answer per group.

        >>> import voilage as vo
        >>> visits = vo.demo().project("demo").table("visits")
        >>> len(visits.agg(people=vo.count_units()).epsilon(0.5).run())
        1
        """
        return Grouped(self, ()).agg(**aggregates)

    def _place(self, column: str) -> str:
        return identifier(column)

    def _from_where(self) -> str:
        where = f" WHERE {' AND '.join(self._filters)}" if self._filters else ""
        return f"{self._source.sql}{where}"

    def __repr__(self) -> str:
        return f"<voilage.Table SELECT * FROM {self._from_where()}>"  # noqa: S608  (only shown)


class PerUnit:
    """The rows of each person together; made by :meth:`voilage.Table.per_unit`.

    >>> import voilage as vo
    >>> vo.demo().project("demo").table("visits").per_unit()
    <voilage.PerUnit of "visits">
    """

    __slots__ = ("_table",)

    def __init__(self, table: Table) -> None:
        self._table = table

    def agg(self, **features: Aggregate | Aggregates) -> Table:
        """Compute features of each person, to filter, group and aggregate by.

        >>> import voilage as vo
        >>> visits = vo.demo().project("demo").table("visits")
        >>> each = visits.per_unit().agg(visits=vo.count(), cost=vo.sum("cost", 0, 500))
        >>> often = each.filter(vo.col("visits") >= 4)
        >>> question = often.agg(people=vo.count_units(), cost=vo.mean("cost", 0, 3_000))
        >>> question.epsilon(1).run().columns
        ('people', 'cost')
        """
        if not features:
            raise fix_query("agg() computes no feature", "write agg(visits=vo.count())")
        source = self._table._source
        unit = source.unit_sql()
        shown = [f"{unit} AS {identifier(source.unit or '')}"]
        place = Place(source.unit_sql)
        made = spread(features)
        shown += [f"{one._render(place)} AS {identifier(name)}" for name, one in made.items()]
        inner = f"SELECT {', '.join(shown)} FROM {self._table._from_where()} GROUP BY {unit}"  # noqa: S608  (quoted)
        name = f"each_{source.unit}"
        each = Source(
            sql=f"({inner}) AS {identifier(name)}",
            unit=source.unit,
            tables=(name,),
            columns=frozenset({source.unit or "", *made}),
        )
        return Table(self._table._study, each)

    def __repr__(self) -> str:
        return f"<voilage.PerUnit of {self._table._from_where()}>"


class Cohort:
    """People chosen by what their rows say; made by :meth:`voilage.Table.units_where`.

    Who they are is never shown: a cohort only restricts what is counted.

    >>> import voilage as vo
    >>> visits = vo.demo().project("demo").table("visits")
    >>> visits.units_where(vo.col("age") >= 65).sql_text
    'SELECT "person" FROM "visits" WHERE ("age" >= 65)'
    """

    __slots__ = ("_sql",)

    def __init__(self, sql: str) -> None:
        self._sql = sql

    @property
    def sql_text(self) -> str:
        """The subquery that names the people.

        >>> import voilage as vo
        >>> vo.demo().project("demo").table("visits").units_where(vo.col("age") < 18).sql_text
        'SELECT "person" FROM "visits" WHERE ("age" < 18)'
        """
        return self._sql

    def __repr__(self) -> str:
        return f"<voilage.Cohort {self._sql}>"
