"""The documentation's notebooks run top to bottom, twice, and the second time costs nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import voilage as vo
from conftest import ROOT, checkout

NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
KERNEL_NOISE = "ignore:.*"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with a ledger of its own, as `make demo` leaves it before its questions."""
    folder = tmp_path_factory.mktemp("site")
    checkout(folder, {"rand-costs": "rand", "omop-conditions": "omop"})
    shutil.copytree(ROOT / "docs" / "notebooks", folder / "docs" / "notebooks")
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
