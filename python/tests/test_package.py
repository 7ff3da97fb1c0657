"""Other libraries read a result's own memory, and importing the package imports little else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import voilage as vo
from conftest import Golden
from voilage import _native

SQL = "SELECT site, COUNT(DISTINCT person) AS people, AVG(cost) AS mean FROM visits GROUP BY site"
FOREIGN = ("pandas", "polars", "pyarrow", "altair", "duckdb", "numpy", "IPython", "tqdm")


@pytest.fixture
def result(study: vo.Study, monkeypatch: pytest.MonkeyPatch) -> vo.Result:
    """A result whose cells nobody may ask for one by one."""

    def no_objects(*_arguments: object) -> None:
        raise AssertionError("cells were turned into Python objects")

    monkeypatch.setattr("voilage._convert.cells", no_objects)
    return study.sql(SQL, epsilon=1).run()


def address(table: pa.Table, column: str) -> int:
    return int(table.column(column).chunk(0).buffers()[1].address)


def test_pyarrow_and_polars_share_the_engine_s_memory(result: vo.Result) -> None:
    first, second = pa.table(result), result.to_arrow()
    for column in ("people", "mean"):
        assert address(first, column) == address(second, column)
        assert address(pl.DataFrame(result).to_arrow(), column) == address(first, column)


def test_each_library_reads_the_same(result: vo.Result) -> None:
    expected = pa.table(result).to_pylist()
    assert pl.DataFrame(result).to_dicts() == expected
    assert pl.from_dataframe(result.to_polars()).to_dicts() == expected
    frame = pd.DataFrame.from_arrow(result)
    assert frame["people"].to_list() == [row["people"] for row in expected]
    names = duckdb.sql("SELECT site, people, mean FROM result").fetchall()
    assert names == [tuple(row.values()) for row in expected]
    assert duckdb.from_arrow(result).columns == ["site", "people", "mean"]


def test_importing_is_light() -> None:
    """An import under 0.3 seconds is an import that loads no dataframe library."""
    code = "import sys, voilage; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    loaded = set(done.stdout.split())
    assert not loaded & set(FOREIGN)
    assert len(loaded) < 200


def test_the_version_is_the_engine_s() -> None:
    assert vo.__version__ == _native.__version__


def test_messages(study: vo.Study, hub: vo.Hub, golden: Golden) -> None:
    """Every refusal that a beginner meets, as it is shown."""
    visits = study.table("visits")
    people = visits.agg(people=vo.count_units())
    bad: dict[str, Callable[[], object]] = {
        "unknown project": lambda: hub.project("cots"),
        "unknown table": lambda: study.table("visit"),
        "wrong column": lambda: visits.group_by("sight").agg(n=vo.count()),
        "wrong column in a filter": lambda: (
            visits.filter(vo.col("csot") > 1).agg(n=vo.count()).epsilon(1)
        ),
        "wrong type": lambda: visits.filter(vo.col("site") == "x").agg(n=vo.count()).epsilon(1),
        "missing bounds": lambda: visits.agg(total=vo.sum("person")).epsilon(1),
        "one bound": lambda: vo.mean("cost", 0),
        "bounds reversed": lambda: vo.mean("cost", 100, 0),
        "bounds equal": lambda: vo.mean("cost", 5, 5),
        "NaN bounds": lambda: vo.mean("cost", 0, float("nan")),
        "bounds of text": lambda: vo.mean("cost", "0", 1),  # type: ignore[arg-type]
        "no price": lambda: study.sql(people.sql_text).run(),
        "several prices": lambda: study.sql(people.sql_text, epsilon=1, rho="0.01"),
        "a quantile that is none": lambda: vo.quantile("cost", 50),
        "a view's mistake": lambda: study.table("vists"),
        "a price that is none": lambda: people.epsilon("much"),
        "a share that is none": lambda: people.share("2"),
        "rows of people": lambda: study.sql("SELECT * FROM visits", epsilon=1),
        "too dear": lambda: people.epsilon(9).run(),
        "an error of no column": lambda: people.with_error(persons=1),
        "nothing asked": visits.agg,
        "a key twice": lambda: visits.group_by("site").agg(site=vo.count()),
        "a sort by nothing": lambda: people.sort("peple"),
    }
    lines = []
    for name, ask in bad.items():
        with pytest.raises(vo.VoilageError) as caught:
            ask()
        lines.append(f"--- {name}\n{type(caught.value).__name__}: {caught.value}")
        assert "fix:" in str(caught.value) or ";" in str(caught.value), name
    assert study.budget.spent_share == "0.00%"
    golden.check("messages", "\n".join(lines))


def test_a_budget_that_is_used_up(study: vo.Study, golden: Golden) -> None:
    table = study.table("visits")
    table.agg(n=vo.count()).share("100%").run()
    with pytest.raises(vo.BudgetRefused) as caught:
        table.agg(people=vo.count_units()).epsilon(1).run()
    golden.check("exhausted", str(caught.value))
