"""Whatever a data holder has becomes a table, or is refused without showing a value."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

import voilage as vo
from conftest import Golden

ROWS: dict[str, list[Any]] = {
    "person": [person for person in range(300) for _ in range(2)],
    "cost": [float(person % 50) for person in range(600)],
    "site": [("north", "south")[person % 2] for person in range(600)],
}
TERMS: dict[str, Any] = {
    "unit": "person",
    "max_groups": 2,
    "max_rows_per_group": 2,
    "bounds": {"cost": (0, 50)},
    "values": {"site": ["north", "south"]},
}


@pytest.fixture
def hub(tmp_path: Path) -> vo.LocalHub:
    return vo.Hub.local(tmp_path / "hub", epsilon=1000, delta="1e-6")


def parquet(folder: Path) -> str:
    table = pa.table(ROWS)
    pyarrow.parquet.write_table(table.slice(0, 300), folder / "part-1.parquet")
    pyarrow.parquet.write_table(table.slice(300), folder / "part-2.parquet")
    return str(folder / "part-*.parquet")


def csv(folder: Path) -> Path:
    pyarrow.csv.write_csv(pa.table(ROWS), folder / "rows.csv")
    return folder / "rows.csv"


INPUTS: dict[str, Callable[[Path], object]] = {
    "dict": lambda _: ROWS,
    "pandas": lambda _: pd.DataFrame(ROWS),
    "pandas with a categorical": lambda _: pd.DataFrame(ROWS).astype({"site": "category"}),
    "polars": lambda _: pl.DataFrame(ROWS),
    "pyarrow table": lambda _: pa.table(ROWS),
    "pyarrow batch": lambda _: pa.RecordBatch.from_pydict(ROWS),
    "pyarrow reader": lambda _: pa.table(ROWS).to_reader(),
    "duckdb relation": lambda _: duckdb.from_arrow(pa.table(ROWS)),
    "parquet glob": parquet,
    "csv path": csv,
}


@pytest.mark.parametrize("kind", INPUTS)
def test_every_kind_gives_the_same_answer(hub: vo.LocalHub, tmp_path: Path, kind: str) -> None:
    hub.register("visits", INPUTS[kind](tmp_path), **TERMS)
    study = hub.open_project("p", epsilon=900, delta="1e-7", purpose="testing")
    table = study.table("visits").group_by("site").agg(people=vo.count_units(), sum=vo.sum("cost"))
    rows = table.epsilon(500).run().to_arrow().to_pylist()
    # At this epsilon noise has a standard deviation below 0.1 people.
    assert {row["site"]: round(row["people"], -1) for row in rows if row["site"]} == {
        "north": 300,
        "south": 300,
    }


def test_registering_again_changes_nothing(hub: vo.LocalHub) -> None:
    hub.register("visits", pd.DataFrame(ROWS), **TERMS)
    before = Path(hub._door.path).read_text()
    hub.register("visits", pd.DataFrame(ROWS), **TERMS)
    assert Path(hub._door.path).read_text() == before
    with pytest.raises(vo.FixQuery, match="registered already"):
        hub.register("visits", pd.DataFrame(ROWS).head(10), **TERMS)
    with pytest.raises(vo.FixQuery, match="registered already"):
        hub.register("visits", pd.DataFrame(ROWS), **{**TERMS, "max_rows_per_group": 3})


def test_a_study_sees_what_is_registered_later(hub: vo.LocalHub) -> None:
    hub.register("visits", ROWS, **TERMS)
    study = hub.open_project("p", epsilon=1, delta="1e-7", purpose="testing")
    hub.register("others", ROWS, **TERMS)
    assert list(study.schema()) == ["others", "visits"]
    assert study.table("others").agg(n=vo.count()).epsilon(0.1).preview().affordable


def test_a_hub_is_found_again_with_its_cap(hub: vo.LocalHub) -> None:
    folder = hub._door.path.parent
    assert vo.Hub.local(folder).projects() == []
    with pytest.raises(vo.FixQuery, match="a cap is fixed"):
        vo.Hub.local(folder, epsilon=2000, delta="1e-6")
    with pytest.raises(vo.FixQuery, match="lifetime cap"):
        vo.Hub.local(folder / "empty")


def test_an_empty_table_answers_like_an_empty_cell(hub: vo.LocalHub) -> None:
    hub.register("visits", pa.table(ROWS).slice(0, 0), **TERMS)
    study = hub.open_project("p", epsilon=10, delta="1e-7", purpose="testing")
    query = study.table("visits").group_by("site")
    result = query.agg(people=vo.count_units(), mean=vo.mean("cost")).epsilon(1).run()
    table = result.to_arrow()
    assert table.num_rows == 3
    assert table.column("people").null_count == table.column("mean").null_count == 0
    assert all(abs(people) < 100 for people in table.column("people").to_pylist())
    assert all(0 <= mean <= 50 for mean in table.column("mean").to_pylist())


class Secret:
    """Says something that no message may repeat."""

    def __repr__(self) -> str:
        return "SECRET"


BAD: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    "no table": (lambda: 42, {}),
    "no file": (lambda: "absent/*.parquet", {}),
    "a wrong unit": (lambda: pa.table(ROWS), {"unit": "persn"}),
    "bounds of no column": (lambda: pa.table(ROWS), {"bounds": {"costs": (0, 1)}}),
    "reversed bounds": (lambda: pa.table(ROWS), {"bounds": {"cost": (50, 0)}}),
    "NaN bounds": (lambda: pa.table(ROWS), {"bounds": {"cost": (0, float("nan"))}}),
    "infinite bounds": (lambda: pa.table(ROWS), {"bounds": {"cost": (0, float("inf"))}}),
    "bounds of text": (lambda: pa.table(ROWS), {"bounds": {"site": (0, 1)}}),
    "values of another type": (lambda: pa.table(ROWS), {"values": {"site": [1, 2]}}),
    "a value twice": (lambda: pa.table(ROWS), {"values": {"site": ["north", "north"]}}),
    "values of the unit": (lambda: pa.table(ROWS), {"values": {"person": [1, 2]}}),
    "no rows kept": (lambda: pa.table(ROWS), {"max_rows_per_group": 0}),
    "duplicate columns": (
        lambda: pa.table([[1], [2.0], [3.0]], names=["person", "cost", "cost"]),
        {},
    ),
    "duplicate columns in pandas": (
        lambda: pd.DataFrame([[1, 2.0, 3.0]], columns=["person", "cost", "cost"]),
        {},
    ),
    "a nested type": (lambda: pa.table({**ROWS, "codes": [[1, 2]] * 600}), {}),
    "a struct": (lambda: pa.table({**ROWS, "place": [{"a": 1}] * 600}), {}),
    "a time zone": (
        lambda: pa.table(
            {
                **ROWS,
                "seen": pa.array([dt.datetime(2026, 1, 1)] * 600, pa.timestamp("us", "UTC")),
            }
        ),
        {},
    ),
    "unsigned integers": (
        lambda: pa.table({**ROWS, "code": pa.array(range(600), pa.uint64())}),
        {},
    ),
    "a decimal": (
        lambda: pa.table({**ROWS, "price": pa.array([1] * 600, pa.decimal128(10, 2))}),
        {},
    ),
    "a column of nothing": (lambda: pa.table({**ROWS, "nothing": [None] * 600}), {}),
    "an object column in pandas": (
        lambda: pd.DataFrame({**ROWS, "mixed": np.array([1, "SECRET"] * 300, dtype=object)}),
        {},
    ),
    "objects in pandas": (
        lambda: pd.DataFrame({**ROWS, "mixed": [Secret()] * 600}),
        {},
    ),
    "mixed lists": (lambda: {**ROWS, "mixed": [1, "SECRET"] * 300}, {}),
    "lists of two lengths": (lambda: {**ROWS, "short": [1]}, {}),
    "a capital letter": (lambda: pa.table({**ROWS, "Cost USD": ROWS["cost"]}), {}),
    "a float unit": (
        lambda: pa.table({**ROWS, "person": [float(p) for p in ROWS["person"]]}),
        {},
    ),
}


def test_bad_inputs(hub: vo.LocalHub, golden: Golden) -> None:
    before = hub._door.path.read_text()
    lines = []
    for name, (make, terms) in BAD.items():
        with pytest.raises((vo.FixQuery, TypeError)) as caught:
            hub.register("visits", make(), **{**TERMS, **terms})
        message = str(caught.value)
        assert "SECRET" not in message, name
        assert "fix:" in message, name
        lines.append(f"--- {name}\n{type(caught.value).__name__}: {message}")
        assert hub._door.path.read_text() == before, name
        assert list((hub._door.path.parent / "tables").glob("*")) == [], name
    golden.check("inputs", "\n".join(lines))


MORE = {**ROWS, "person": [person + 150 for person in ROWS["person"]]}


@pytest.fixture
def study(hub: vo.LocalHub) -> vo.Study:
    hub.register("visits", ROWS, **TERMS)
    return hub.open_project("p", epsilon=900, delta="1e-7", purpose="testing")


def test_other_rows_are_a_new_version(hub: vo.LocalHub, study: vo.Study) -> None:
    """The old answer is still there under its version's question; the new question is charged."""
    query = study.table("visits").agg(people=vo.count_units(), sum=vo.sum("cost")).epsilon(100)
    first = query.run()
    paid = study.budget.to_dict()["spent"]
    version = hub.update("visits", {**ROWS, "cost": [1.0] * 600}, reason="corrected costs")
    assert version.changed
    assert "a question about the new rows is a new question" in repr(version)
    assert study.budget.to_dict()["spent"] == paid
    again = study.table("visits").agg(people=vo.count_units(), sum=vo.sum("cost")).epsilon(100)
    second = again.run()
    assert not second.replayed
    assert study.budget.to_dict()["spent"] != paid
    assert abs(first["sum"].value[0] - sum(ROWS["cost"])) < 500
    assert abs(second["sum"].value[0] - 600) < 500
    assert query.run().receipt == second.receipt  # a question from before asks about the rows now
    assert first.receipt["data_version"] != second.receipt["data_version"] == version.id
    assert again.run().replayed


def test_the_same_rows_are_the_same_version(hub: vo.LocalHub, study: vo.Study) -> None:
    first = hub.update("visits", MORE, reason="more people")
    again = hub.update("visits", MORE, reason="more people")
    assert (first.changed, again.changed, again.id) == (True, False, first.id)
    assert "has the rows it had" in repr(again)
    before = hub._door.path.read_text()
    hub.register("visits", MORE, **TERMS)
    assert hub._door.path.read_text() == before
    back = hub.update("visits", ROWS, reason="back")
    assert back.id != first.id
    files = sorted(file.name for file in (hub._door.path.parent / "tables").iterdir())
    assert files == ["visits.3.parquet"]
    assert study.table("visits").agg(n=vo.count()).epsilon(1).run().columns == ("n",)


@pytest.mark.usefixtures("study")
def test_an_interrupted_update_asks_nothing_of_the_wrong_rows(
    hub: vo.LocalHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub file names the new rows before the ledger does: until then nothing is answered."""

    def stopped() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(type(hub._door), "reload", lambda _self: stopped())
        with pytest.raises(KeyboardInterrupt):
            hub.update("visits", MORE, reason="more people")
    again = vo.Hub.local(hub._door.path.parent)
    query = again.project("p").table("visits").agg(n=vo.count())
    with pytest.raises(vo.FixQuery, match="the ledger does not know this file"):
        query.epsilon(1)
    assert again.update("visits", MORE, reason="more people").changed
    assert query.epsilon(1).run().columns == ("n",)


def test_a_public_table_is_updated_too(hub: vo.LocalHub, study: vo.Study) -> None:
    """Answers that were joined with the old list are not replayed as if it were the new one."""
    sites = {"site": ["north", "south"], "zone": [1, 1]}
    hub.register_public("zones", sites, provenance="a map")
    visits = study.table("visits").join(study.table("zones"), on="site")
    question = visits.filter(vo.col("zone") == 1).agg(people=vo.count_units()).epsilon(50)
    first = question.run()
    paid = study.budget.to_dict()["spent"]
    assert hub.update("zones", {**sites, "zone": [1, 2]}, reason="a new map").changed
    second = question.run()
    assert not second.replayed
    assert study.budget.to_dict()["spent"] != paid
    assert first.receipt["data_version"] != second.receipt["data_version"]
    assert abs(first["people"].value[0] - 300) < 20
    assert abs(second["people"].value[0] - 300) < 20
    assert not hub.update("zones", {**sites, "zone": [1, 2]}, reason="again").changed


def test_bad_updates(hub: vo.LocalHub, study: vo.Study, golden: Golden) -> None:
    before = hub._door.path.read_text()
    bad: dict[str, Callable[[], object]] = {
        "no such table": lambda: hub.update("visit", ROWS, reason="x"),
        "a missing column": lambda: hub.update("visits", {"person": [1]}, reason="x"),
        "another type": lambda: hub.update("visits", {**ROWS, "cost": ["a"] * 600}, reason="x"),
        "a new column": lambda: hub.update("visits", {**ROWS, "more": [1] * 600}, reason="x"),
        "no reason": lambda: hub.update("visits", MORE, reason=" "),
        "registered anew": lambda: hub.register("visits", MORE, **TERMS),
        "on other terms": lambda: hub.register("visits", ROWS, **{**TERMS, "max_groups": 1}),
    }
    lines = []
    for name, update in bad.items():
        with pytest.raises(vo.FixQuery) as caught:
            update()
        lines.append(f"--- {name}\n{caught.value}")
        assert hub._door.path.read_text() == before, name
        assert len(list((hub._door.path.parent / "tables").iterdir())) == 1, name
    golden.check("updates", "\n".join(lines).replace(str(hub._door.path.parent), "FOLDER"))
    assert study.table("visits").agg(n=vo.count()).epsilon(1).run().columns == ("n",)
