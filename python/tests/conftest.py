"""A small hub about 400 made-up people, with one project."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import voilage
from voilage import _native

HUB = """
[hub]
ledger = "ledger.sqlite"

[datasets.clinic]
cap = { epsilon = "10", delta = "1e-6" }

[datasets.clinic.tables.visits]
file = "visits.parquet"
unit = "person"
max_groups = 1
max_rows_per_group = 2

[datasets.clinic.tables.visits.columns]
person = { type = "int64" }
site = { type = "int64", values = [1, 2, 3], source = "asserted: three sites" }
cost = { type = "float64", bounds = ["0", "100"], source = "asserted: price list" }
"""

PROJECT = {
    "dataset": "clinic",
    "epsilon": "4",
    "delta": "1e-7",
    "authority": "Test Authority",
    "reference": "TEST-1",
    "purpose": "testing",
    "starts": "2020-01-01",
    "ends": "2099-12-31",
}


def command(*words: str) -> int:
    return _native.main(["voilage", *words])


@pytest.fixture
def hub(tmp_path: Path) -> voilage.Hub:
    people = [person for person in range(400) for _ in range(2)]
    visits = pa.table(
        {
            "person": pa.array(people, pa.int64()),
            "site": pa.array([person % 3 + 1 for person in people], pa.int64()),
            "cost": pa.array([float(person % 100) for person in people], pa.float64()),
        }
    )
    pq.write_table(visits, tmp_path / "visits.parquet")
    file = tmp_path / "hub.toml"
    file.write_text(HUB)
    assert command("init", "--hub", str(file)) == 0
    options = [word for name, value in PROJECT.items() for word in (f"--{name}", value)]
    assert command("project", "open", "costs", "--hub", str(file), *options) == 0
    return voilage.open(file)


@pytest.fixture
def study(hub: voilage.Hub) -> voilage.Study:
    return hub.project("costs")
