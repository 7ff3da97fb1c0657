"""What everybody may know about the tables, without looking at a row."""

from __future__ import annotations

import datetime as dt
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from voilage._convert import EPOCH, EPOCH_ORDINAL
from voilage._errors import fix_query, suggestion
from voilage._html import SMALL, escape, grid, muted

VALUES_SHOWN = 8

Other = TypeVar("Other")


@dataclass(frozen=True, slots=True)
class Column:
    """A declared column: its type, what is enforced about its values, and who says so."""

    name: str
    type: str
    bounds: tuple[Any, Any] | None
    values: tuple[Any, ...] | None
    source: str | None

    def declared(self) -> str:
        """Return what is enforced, in words."""
        if self.bounds is not None:
            return f"{_short(self.bounds[0])} to {_short(self.bounds[1])}"
        if self.values is not None:
            shown = ", ".join(str(value) for value in self.values[:VALUES_SHOWN])
            more = len(self.values) - VALUES_SHOWN
            return f"{shown} and {more} more" if more > 0 else shown
        return ""


@dataclass(frozen=True, slots=True, repr=False)
class TableSchema:
    """A table or view: whose rows it holds, how many of each person count, and its columns."""

    name: str
    rows: str
    """Whose: `people` (or whatever the unit is), `public`, `released` or, in vain, `refused`."""
    unit: str | None
    max_groups: int | None
    max_rows_per_group: int | None
    note: str | None
    """What the data holder says: a public table's provenance, a view's description."""
    is_view: bool
    columns: dict[str, Column]
    refused: str | None = None
    """Why a view cannot be asked about."""

    def __getitem__(self, name: str) -> Column:
        if name not in self.columns:
            raise fix_query(f"{self.name} has no column {name}", suggestion(name, self.columns))
        return self.columns[name]

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.columns)

    def __repr__(self) -> str:
        lines = [f"{self.name} ({self.owner()})"]
        width = max((len(name) for name in self.columns), default=0)
        for column in self.columns.values():
            source = f"  [{column.source}]" if column.source else ""
            line = f"  {column.name:<{width}}  {column.type:<9}  {column.declared()}{source}"
            lines.append(line.rstrip())
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return _table_html(self)

    def owner(self) -> str:
        """Return whose rows these are, in words."""
        words = {
            "people": (
                f"one {self.unit or 'unit (not shown)'} keeps {self.max_rows_per_group} rows in "
                f"each of {self.max_groups} groups"
            ),
            "public": "public" if self.is_view else f"public: {self.note}",
            "released": "noisy when it is read, and charged to whoever reads it",
            "refused": f"cannot be asked about: {self.refused}",
        }[self.rows]
        if not self.is_view:
            return words
        return f"view: {self.note}; {words}" if self.note else f"view: {words}"


class Schema(Mapping[str, TableSchema]):
    """The tables of a project, by name; made by :meth:`voilage.Study.schema`.

    >>> import voilage as vo
    >>> schema = vo.demo().project("demo").schema()
    >>> list(schema)
    ['diagnoses', 'visits']
    >>> schema["visits"]["site"].values
    ('East', 'North', 'South')
    """

    __slots__ = ("_tables",)

    def __init__(self, tables: dict[str, TableSchema]) -> None:
        self._tables = tables

    @classmethod
    def _of(cls, content: list[dict[str, Any]]) -> Schema:
        """Return the schema that the engine describes."""
        return cls({table["name"]: _table(table) for table in content})

    def __getitem__(self, name: str) -> TableSchema:
        if name not in self._tables:
            raise fix_query(f"there is no table {name}", suggestion(name, self._tables))
        return self._tables[name]

    def __contains__(self, name: object) -> bool:
        return name in self._tables

    @overload
    def get(self, name: str) -> TableSchema | None: ...
    @overload
    def get(self, name: str, default: Other) -> TableSchema | Other: ...
    def get(self, name: str, default: object = None) -> object:
        """Return a table, or something else where there is none.

        >>> import voilage as vo
        >>> vo.demo().project("demo").schema().get("visitors") is None
        True
        """
        return self._tables.get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    def _ipython_key_completions_(self) -> list[str]:
        return list(self._tables)

    def __repr__(self) -> str:
        return "\n".join(map(repr, self._tables.values()))

    def _repr_html_(self) -> str:
        return "".join(_table_html(table) for table in self._tables.values())


def _short(end: Any) -> str:  # noqa: ANN401
    return f"{end:.12g}" if isinstance(end, float) else str(end)


def _table(content: dict[str, Any]) -> TableSchema:
    columns = [_column(column) for column in content["columns"]]
    return TableSchema(
        name=content["name"],
        unit=content.get("unit"),
        max_groups=content.get("max_groups"),
        rows=content["rows"],
        max_rows_per_group=content.get("max_rows_per_group"),
        note=content.get("provenance", content.get("view")),
        is_view="view" in content,
        columns={column.name: column for column in columns},
        refused=content.get("refused"),
    )


def _column(content: dict[str, Any]) -> Column:
    declared = content["declared"]
    bounds = values = None
    if isinstance(declared, dict) and "Bounds" in declared:
        ends = declared["Bounds"]
        bounds = (_plain(ends["lower"]), _plain(ends["upper"]))
    elif isinstance(declared, dict) and "Values" in declared:
        values = tuple(_plain(value) for value in declared["Values"])
    return Column(content["name"], content["type"], bounds, values, content["source"])


def _plain(value: dict[str, Any]) -> Any:  # noqa: ANN401  (a value of any type)
    """Return the engine's value as Python's own; doubles come as their bits."""
    (kind, content), *_ = value.items()
    if kind == "float":
        return struct.unpack(">d", bytes.fromhex(content))[0]
    if kind == "date":
        return dt.date.fromordinal(EPOCH_ORDINAL + content)
    if kind == "timestamp":
        return EPOCH + dt.timedelta(microseconds=content)
    return content


def _table_html(table: TableSchema) -> str:
    titles = ["column", "type"]
    told = [column for column in table.columns.values() if column.declared()]
    if told:
        titles += ["values", "source"]
    rows = []
    for column in table.columns.values():
        name = f"<code>{escape(column.name)}</code>"
        if column.name == table.unit:
            name += f' <b style="{SMALL}">unit</b>'
        row = [name, muted(column.type)]
        if told:
            row += [escape(column.declared()), muted(column.source or "")]
        rows.append(row)
    body = grid(titles, rows) if rows else ""
    return (
        f'<details open style="margin-bottom:10px"><summary style="cursor:pointer">'
        f"<b>{escape(table.name)}</b> {muted(table.owner())}</summary>"
        f'<div style="overflow-x:auto;padding-left:16px">{body}</div></details>'
    )
