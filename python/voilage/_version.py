"""New rows in the place of a table's: what a version of the data is, and what it must look like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from voilage import _native
from voilage._errors import fix_query


@dataclass(frozen=True, slots=True)
class DataVersion:
    """What :meth:`voilage.LocalHub.update` declared: an id that says nothing about the rows.

    >>> import voilage as vo
    >>> hub = vo.Hub.local("my-hub", epsilon=10, delta="1e-6")
    >>> hub.register("beds", {"patient": ["a", "b"]}, unit="patient", max_rows_per_group=1)
    >>> hub.update("beds", {"patient": ["a", "b", "c"]}, reason="the extract of March")
    <voilage.DataVersion ...: table beds has new rows. What was paid for before stays ...>
    """

    id: str
    table: str
    changed: bool

    def __repr__(self) -> str:
        if not self.changed:
            return f"<voilage.DataVersion {self.id}: table {self.table} has the rows it had>"
        return (
            f"<voilage.DataVersion {self.id}: table {self.table} has new rows. What was paid for "
            "before stays what it is; a question about the new rows is a new question, with a "
            "price of its own. Caps and spent budgets stay>"
        )


def next_file(name: str, file: Path) -> Path:
    """Return the file of the version after: visits.parquet, visits.2.parquet, visits.3.parquet."""
    number = file.name.removeprefix(f"{name}.").removesuffix("parquet").rstrip(".")
    return file.with_name(f"{name}.{int(number or 1) + 1}.parquet")


def check_same_columns(
    name: str, rows: _native.Input, declared: Mapping[str, Mapping[str, object]]
) -> None:
    """Refuse rows that have other columns than the table was declared with."""
    known = {column: str(content["type"]) for column, content in declared.items()}
    found = {column: kind or "" for column, _, kind in rows.columns()}
    wrong = [
        *(f"{column} is missing" for column in known if column not in found),
        *(f"{column} is new" for column in found if column not in known),
        *(
            f"{column} is {found[column]} and was {known[column]}"
            for column in known
            if found.get(column, known[column]) != known[column]
        ),
    ]
    if wrong:
        raise fix_query(
            f"table {name}: the new rows have other columns: {', '.join(wrong)}",
            "bring them into the columns that are declared, or register another table",
        )
