"""The documentation's notebooks run top to bottom, twice, and the second time costs nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import voilage as vo
from conftest import command

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
RECORDS = ROOT / "data" / "demo"
PERMIT = [
    *("--authority", "Test Authority", "--reference", "TEST-1", "--purpose", "testing"),
    *("--starts", "2020-01-01", "--ends", "2099-12-31", "--epsilon", "4", "--delta", "1e-7"),
]
KERNEL_NOISE = "ignore:.*"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with a ledger of its own, as `make demo` leaves it before its questions."""
    if not RECORDS.exists():
        pytest.fail(f"{RECORDS} is missing\n  fix: make records")
    folder = tmp_path_factory.mktemp("site")
    (folder / "data").mkdir()
    (folder / "data" / "demo").mkdir()
    for file in RECORDS.glob("*.parquet"):
        (folder / "data" / "demo" / file.name).symlink_to(file)
    (folder / "examples").mkdir()
    hub = folder / "examples" / "hub.toml"
    shutil.copy(ROOT / "examples" / "hub.toml", hub)
    shutil.copytree(ROOT / "docs" / "notebooks", folder / "docs" / "notebooks")
    assert command("init", "--hub", str(hub)) == 0
    for project, dataset in (("rand-costs", "rand"), ("omop-conditions", "omop")):
        options = ["--hub", str(hub), "--dataset", dataset, *PERMIT]
        assert command("project", "open", project, *options) == 0
    return folder


def spent(site: Path) -> dict[str, dict[str, str]]:
    with vo.open(site / "examples" / "hub.toml") as hub:
        return {name: hub.project(name).budget.to_dict()["spent"] for name in hub.projects()}


@pytest.mark.filterwarnings(KERNEL_NOISE)
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_run_twice_and_pay_once(site: Path, notebook: Path) -> None:
    before = spent(site)
    folder = site / "docs" / "notebooks"
    content = nbformat.read(notebook, as_version=4)
    for run in (1, 2):
        client = NotebookClient(
            content, timeout=120, kernel_name="python3", resources={"metadata": {"path": folder}}
        )
        client.execute()
        if run == 1:
            paid = spent(site)
            assert paid != before
    assert spent(site) == paid


def test_there_are_three() -> None:
    assert [notebook.stem for notebook in NOTEBOOKS] == ["conditions", "costs", "planning"]
