"""Arrow, pandas and Polars show the same numbers."""

from __future__ import annotations

import sys

import polars as pl
import pyarrow as pa
import pytest

import voilage

SQL = (
    "SELECT site, COUNT(DISTINCT person) AS people, AVG(cost) AS mean "
    "FROM visits WHERE site IS NOT NULL GROUP BY site ORDER BY site"
)


@pytest.fixture
def result(study: voilage.Study) -> voilage.Result:
    return study.sql(SQL, epsilon="0.5").run()


@pytest.mark.parametrize("intervals", [False, True])
def test_conversions_agree(result: voilage.Result, intervals: bool) -> None:
    arrow = result.to_arrow(intervals=intervals).to_pydict()
    assert result.to_dict(intervals=intervals) == arrow
    assert result.to_pandas(intervals=intervals).to_dict("list") == arrow
    assert result.to_polars(intervals=intervals).to_dict(as_series=False) == arrow


def test_intervals_hold_the_value(result: voilage.Result) -> None:
    table = result.to_arrow(intervals=True).to_pydict()
    assert {"people_low", "people_high", "mean_low", "mean_high"} <= table.keys()
    for name in ("people", "mean"):
        for low, value, high in zip(
            table[f"{name}_low"], table[name], table[f"{name}_high"], strict=True
        ):
            assert low <= value <= high


def test_the_capsules_are_understood_by_others(result: voilage.Result) -> None:
    table = pa.table(result)
    assert table.num_rows == len(result) == 3
    assert pa.schema(result) == table.schema
    assert pl.DataFrame(result).columns == table.column_names


@pytest.mark.parametrize("module", ["pyarrow", "pandas", "polars"])
def test_a_missing_library_is_named(
    result: voilage.Result, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    convert = getattr(result, f"to_{module.removeprefix('py')}")
    with pytest.raises(ModuleNotFoundError, match=rf"{module}(.|\n)*pip install 'voilage"):
        convert()
