"""A small hub about 400 made-up people, with one project."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

import voilage
from voilage import _native

# Examples of another day would make a run depend on where it runs.
set_hypothesis_home_dir(Path(tempfile.gettempdir()) / "voilage-hypothesis")
settings.register_profile("voilage", database=None, deadline=None)
settings.load_profile("voilage")

GOLDEN = Path(__file__).parent / "golden"

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
ward = { type = "utf8" }
day = { type = "date" }
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


ROOT = Path(__file__).parents[2]
RECORDS = ROOT / "data" / "demo"


def checkout(folder: Path, projects: dict[str, str]) -> Path:
    """Make the demo's hub with a ledger of its own, and projects by name and dataset."""
    if not RECORDS.exists():
        pytest.fail(f"{RECORDS} is missing\n  fix: make records")
    (folder / "data" / "demo").mkdir(parents=True)
    for file in RECORDS.glob("*.parquet"):
        (folder / "data" / "demo" / file.name).symlink_to(file)
    (folder / "examples").mkdir()
    hub = folder / "examples" / "hub.toml"
    shutil.copy(ROOT / "examples" / "hub.toml", hub)
    assert command("init", "--hub", str(hub)) == 0
    terms = {name: value for name, value in PROJECT.items() if name != "dataset"}
    options = [word for name, value in terms.items() for word in (f"--{name}", value)]
    for project, dataset in projects.items():
        words = ["project", "open", project, "--hub", str(hub), "--dataset", dataset, *options]
        assert command(*words) == 0
    return hub


class Golden:
    """Compares text with a file under golden/; `pytest --golden` writes the file."""

    def __init__(self, write: bool) -> None:
        self._write = write

    def check(self, name: str, text: str) -> None:
        file = GOLDEN / f"{name}.txt"
        if self._write:
            file.parent.mkdir(exist_ok=True)
            file.write_text(text + "\n", encoding="utf-8")
        assert text + "\n" == file.read_text(encoding="utf-8"), f"look at {file}"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden", action="store_true", help="write the golden files anew")


@pytest.fixture(scope="session")
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden(request.config.getoption("--golden"))


@pytest.fixture
def hub(tmp_path: Path) -> voilage.Hub:
    people = [person for person in range(400) for _ in range(2)]
    visits = pa.table(
        {
            "person": pa.array(people, pa.int64()),
            "site": pa.array([person % 3 + 1 for person in people], pa.int64()),
            "ward": pa.array([f"ward {person % 2}" for person in people], pa.string()),
            "day": pa.array([20_000 + person % 365 for person in people], pa.date32()),
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
