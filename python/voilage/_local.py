"""A hub in one folder, for tables that a data holder registers from Python.

Everything goes through the hub file: what is registered here is declared, checked and enforced as
if it had been written by hand.
"""

from __future__ import annotations

import datetime as dt
import filecmp
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from voilage import _native, _toml
from voilage._errors import fix_query, suggestion
from voilage._hub import Door, Hub
from voilage._input import TableInput, rows_of
from voilage._loss import LossInput, loss_text
from voilage._study import Study
from voilage._version import DataVersion, check_same_columns, next_file

FILE = "hub.toml"
ASSERTED = "asserted by the data holder at registration"


def open_local(
    folder: Path,
    *,
    epsilon: LossInput | None,
    delta: LossInput | None,
    dataset: str,
    unit_kind: str,
) -> LocalHub:
    """Open the hub of a folder, or make it."""
    file = folder / FILE
    wanted = {"epsilon": loss_text("epsilon", epsilon), "delta": loss_text("delta", delta)}
    if not file.exists():
        if wanted["epsilon"] is None:
            raise fix_query(
                f"{folder} has no hub yet, and a new one needs the lifetime cap of its people",
                f'write vo.Hub.local({str(folder)!r}, epsilon=10, delta="1e-6")',
            )
        folder.mkdir(parents=True, exist_ok=True)
        cap = {key: text for key, text in wanted.items() if text is not None}
        accountant = "pure" if delta is None else "zcdp"
        terms = {"unit_kind": unit_kind, "accountant": accountant, "cap": cap}
        text = _toml.section("hub", {"ledger": "ledger.sqlite"}) + "\n"
        _accept(folder, text + _toml.section(f"datasets.{dataset}", terms))
    content = tomllib.loads(file.read_text(encoding="utf-8"))
    (name, recorded) = next(iter(content["datasets"].items()))
    for key, asked in wanted.items():
        if asked is not None and asked != recorded["cap"].get(key):
            raise fix_query(
                f"{folder} has a hub with {key} {recorded['cap'].get(key)}, and a cap is fixed",
                f"write vo.Hub.local({str(folder)!r}), or take another folder",
            )
    return LocalHub(Door(file), name, recorded["accountant"])


def _accept(folder: Path, text: str) -> None:
    """Let the engine check a new hub file, and put it in place only if it is accepted."""
    draft = folder / f"{FILE}.new"
    draft.write_text(text, encoding="utf-8")
    try:
        _native.Hub.init(draft)
    except _native.VoilageError as error:
        draft.unlink()
        raise type(error)(str(error).replace(f"{draft}: ", "")) from None
    os.replace(draft, folder / FILE)  # noqa: PTH105  (atomic, and said so)


class LocalHub(Hub):
    """A hub in one folder; made by :meth:`voilage.Hub.local`.

    >>> import voilage as vo
    >>> hub = vo.Hub.local("my-hub", epsilon=10, delta="1e-6")
    >>> hub.projects()
    []
    """

    __slots__ = ("_accountant", "_dataset")

    def __init__(self, door: Door, dataset: str, accountant: str) -> None:
        super().__init__(door)
        self._dataset = dataset
        self._accountant = accountant

    def register(  # noqa: PLR0913  (each is a decision of the data holder)
        self,
        name: str,
        data: TableInput,
        *,
        unit: str,
        max_rows_per_group: int,
        max_groups: int = 1,
        bounds: Mapping[str, tuple[float, float]] | None = None,
        values: Mapping[str, Sequence[Any]] | None = None,
        source: str = ASSERTED,
    ) -> None:
        """Write a table of people into the hub and declare whose rows they are.

        `unit` is the column that names the person. Each person counts in at most `max_groups`
        groups of a question with at most `max_rows_per_group` rows in each; what is beyond is left
        out. `bounds` and `values` say what a column may hold: numbers outside are cut, values
        outside become NULL. They must not be read off the data. The same table again changes
        nothing.

        >>> import voilage as vo
        >>> hub = vo.Hub.local("my-hub", epsilon=10, delta="1e-6")
        >>> hub.register(
        ...     "stays",
        ...     {"patient": ["a", "a", "b"], "days": [3, 1, 7], "ward": [1, 2, 2]},
        ...     unit="patient",
        ...     max_groups=2,
        ...     max_rows_per_group=5,
        ...     bounds={"days": (0, 30)},
        ...     values={"ward": [1, 2]},
        ... )
        """
        terms = {
            "unit": unit,
            "max_groups": max_groups,
            "max_rows_per_group": max_rows_per_group,
        }
        section = f"datasets.{self._dataset}.tables.{name}"
        self._add(name, section, data, terms, bounds or {}, values or {}, source)

    def register_public(self, name: str, data: TableInput, *, provenance: str) -> None:
        """Write a table about nobody into the hub: code lists, calendars, places.

        `provenance` says where it comes from, and so why it tells nothing about anybody.

        >>> import voilage as vo
        >>> hub = vo.Hub.local("my-hub", epsilon=10, delta="1e-6")
        >>> hub.register_public(
        ...     "wards", {"ward": [1, 2], "name": ["A", "B"]}, provenance="the hospital's website"
        ... )
        """
        self._add(name, f"public.{name}", data, {"provenance": provenance}, {}, {}, None)

    def update(self, name: str, data: TableInput, *, reason: str) -> DataVersion:
        """Put other rows in the place of a table's, with the same columns: a new data version.

        `reason` stands in the ledger. What was answered about the rows before stays paid and keeps
        its bytes; the same question again is about the new rows, and charged. What was spent stays
        spent. The same rows again change nothing.

        >>> import voilage as vo
        >>> hub = vo.Hub.local("my-hub", epsilon=10, delta="1e-6")
        >>> doses = {"patient": ["a", "a", "b"], "dose": [1, 2, 2]}
        >>> hub.register(
        ...     "doses", doses, unit="patient", max_rows_per_group=3, bounds={"dose": (0, 9)}
        ... )
        >>> hub.update("doses", doses, reason="nothing new").changed
        False
        >>> later = {"patient": ["a", "a", "b", "c"], "dose": [1, 2, 2, 5]}
        >>> hub.update("doses", later, reason="the extract of March").changed
        True
        """
        native = self._door.native()
        _check_name(name)
        before = self._door.path.read_text(encoding="utf-8")
        section, declared, old = self._registered(name, before)
        rows = rows_of(name, data)
        check_same_columns(name, rows, declared["columns"])
        draft, file = old.with_suffix(".new"), next_file(name, old)
        try:
            rows.write(draft)
            if filecmp.cmp(draft, old, shallow=False):
                if "unit" in declared and not native.knows(self._dataset, old):
                    self._declare(reason)  # an update was interrupted here
                    return DataVersion(native.data_version(self._dataset), name, changed=True)
                return DataVersion(native.data_version(self._dataset), name, changed=False)
            os.replace(draft, file)  # noqa: PTH105  (atomic, and said so)
        finally:
            draft.unlink(missing_ok=True)
        kept = f'[{section}]\nfile = "tables/{old.name}"\n'
        text = before.replace(kept, kept.replace(old.name, file.name))
        about_people = "unit" in declared
        try:
            # The ledger knows each version's files about people by their paths, so that between
            # the two steps questions about these are refused. Public files it does not know:
            # there the version comes first, and answers of the old one are not replayed.
            waits = None if about_people else self._declare(reason)
            if waits is None:
                _accept(self._door.path.parent, text)
                self._door.reload()
            if about_people:
                waits = self._declare(reason)
        except _native.VoilageError:
            self._door.path.write_text(before, encoding="utf-8")
            file.unlink()
            self._door.reload()
            raise
        if waits is not None:
            raise _native.PolicyRefused(
                f"the policy asks for a second administrator: the new rows of table {name} wait as "
                f"proposal {waits}\n"
                f"  fix: have another administrator run `voilage approve {waits} --reason ..`"
            )
        old.unlink()
        return DataVersion(self._door.native().data_version(self._dataset), name, changed=True)

    def _declare(self, reason: str) -> int | None:
        """Issue a new version of the data; the number of a proposal if somebody must agree."""
        return self._door.native().update(self._dataset, reason)

    def _registered(self, name: str, text: str) -> tuple[str, dict[str, Any], Path]:
        """Return the section of a table that was registered here, its content and its file."""
        content = tomllib.loads(text)
        own = content["datasets"][self._dataset].get("tables", {})
        public = content.get("public", {})
        if name not in own and name not in public:
            raise fix_query(f"there is no table {name}", suggestion(name, [*own, *public]))
        section = f"datasets.{self._dataset}.tables.{name}" if name in own else f"public.{name}"
        declared = (own if name in own else public)[name]
        file = self._door.path.parent / declared["file"]
        if f'[{section}]\nfile = "tables/{file.name}"\n' not in text:
            raise fix_query(
                f"table {name} was not registered from Python, so its file is not replaced from it",
                "put the new file in its place and run `voilage dataset update`",
            )
        return section, declared, file

    def open_project(  # noqa: PLR0913  (the terms of a permit)
        self,
        name: str,
        *,
        epsilon: LossInput,
        delta: LossInput | None = None,
        purpose: str,
        authority: str = "local",
        reference: str = "none",
        starts: dt.date | None = None,
        ends: dt.date | None = None,
    ) -> Study:
        """Open a project with a budget of its own, beneath the cap; the same terms again return it.

        Without dates it may ask from today on for a year.

        >>> import voilage as vo
        >>> hub = vo.Hub.local("my-hub", epsilon=10, delta="1e-6")
        >>> hub.open_project("stays", epsilon=1, delta="1e-8", purpose="to plan beds")
        <voilage.Study 'stays'>
        """
        native = self._door.native()
        first, last = starts, ends
        if name in native.projects():
            permit = native.project(name).budget()["permit"]
            first = first or dt.date.fromisoformat(permit["starts"])
            last = last or dt.date.fromisoformat(permit["ends"])
        first = first or dt.datetime.now(dt.UTC).date()
        last = last or first + dt.timedelta(days=365)
        epsilon_text = loss_text("epsilon", epsilon)
        native.open_project(
            name,
            dataset=self._dataset,
            accountant=self._accountant,
            epsilon=epsilon_text or "",
            delta=loss_text("delta", delta),
            authority=authority,
            reference=reference,
            purpose=purpose,
            starts=first.isoformat(),
            ends=last.isoformat(),
        )
        return Study(self._door, name)

    def _add(  # noqa: PLR0913, PLR0917  (one place for both kinds of table)
        self,
        name: str,
        section: str,
        data: TableInput,
        terms: Mapping[str, object],
        bounds: Mapping[str, tuple[float, float]],
        values: Mapping[str, Sequence[Any]],
        source: str | None,
    ) -> None:
        self._door.native()
        _check_name(name)
        rows = rows_of(name, data)
        columns = rows.columns()
        _check_columns(name, [column for column, _, _ in columns], bounds, values, terms)
        declared = {
            column: _declaration(kind or "", bounds.get(column), values.get(column), source)
            for column, _, kind in columns
        }
        folder = self._door.path.parent
        file = folder / "tables" / f"{name}.parquet"
        text = _toml.section(section, {"file": f"tables/{file.name}", **terms})
        text += "\n" + _toml.section(f"{section}.columns", declared)
        file.parent.mkdir(exist_ok=True)
        draft = file.with_suffix(".new")
        before = self._door.path.read_text(encoding="utf-8")
        try:
            rows.write(draft)
            if f"\n[{section}]\n" in before:
                _, _, known = self._registered(name, before)
                if text.replace(file.name, known.name) not in before:
                    raise fix_query(
                        f"table {name} is registered already, with other columns or other terms",
                        "register it under another name",
                    )
                if filecmp.cmp(draft, known, shallow=False):
                    return
                raise fix_query(
                    f"table {name} is registered already, with other rows",
                    f'to put these in their place, write hub.update("{name}", data, reason="..")',
                )
            os.replace(draft, file)  # noqa: PTH105  (atomic, and said so)
            try:
                _accept(folder, f"{before}\n{text}")
            except _native.VoilageError:
                file.unlink()
                raise
        finally:
            draft.unlink(missing_ok=True)
        self._door.reload()


def _check_name(name: str) -> None:
    """A name becomes a file's name before the engine looks at it."""
    if re.fullmatch("[a-z0-9_]{1,63}", name) is None:
        raise fix_query(
            f"table name {name!r} is not allowed", "use lower-case letters, digits and _"
        )


def _check_columns(
    name: str,
    columns: list[str],
    bounds: Mapping[str, object],
    values: Mapping[str, object],
    terms: Mapping[str, object],
) -> None:
    known = set(columns)
    named = [*bounds, *values, *([str(terms["unit"])] if "unit" in terms else [])]
    for column in named:
        if column not in known:
            raise fix_query(
                f"table {name} has no column {column}", f"use one of: {', '.join(columns)}"
            )
    for column in columns:
        if re.fullmatch("[a-z0-9_]{1,63}", column) is None:
            renamed = re.sub("[^a-z0-9_]", "_", column.lower())
            raise fix_query(
                f"table {name}: column name {column!r} is not allowed",
                f'rename it, for example df.rename(columns={{"{column}": "{renamed}"}})',
            )


def _declaration(
    kind: str,
    bounds: tuple[float, float] | None,
    values: Sequence[Any] | None,
    source: str | None,
) -> dict[str, object]:
    declared: dict[str, object] = {"type": kind}
    if bounds is not None:
        lower, upper = bounds
        declared["bounds"] = [str(lower), str(upper)]
    if values is not None:
        declared["values"] = [item.item() if hasattr(item, "item") else item for item in values]
    if len(declared) > 1 and source is not None:
        declared["source"] = source
    return declared
