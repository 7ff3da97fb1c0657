"""Run the notebooks in a copy of the checkout and keep their outputs: `make notebooks`."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from voilage import _native

ROOT = Path(__file__).parents[2]
PERMIT = [
    *("--authority", "Demo Data Permit Authority", "--reference", "DEMO", "--purpose", "a demo"),
    *("--starts", "2026-01-01", "--ends", "2035-12-31", "--epsilon", "4", "--delta", "1e-7"),
]


STATIC = "from voilage import _plots\n_plots._altair_is_there = lambda: False"


def command(*words: str) -> None:
    """Run the command line; anything but success ends this script."""
    if _native.main(["voilage", *words]) != 0:
        sys.exit(1)


def main() -> None:
    """Execute every notebook against a ledger of its own."""
    with tempfile.TemporaryDirectory() as name:
        site = Path(name)
        (site / "data" / "demo").mkdir(parents=True)
        for records in (ROOT / "data" / "demo").glob("*.parquet"):
            (site / "data" / "demo" / records.name).symlink_to(records)
        (site / "examples").mkdir()
        hub = shutil.copy(ROOT / "examples" / "hub.toml", site / "examples" / "hub.toml")
        (site / "docs" / "notebooks").mkdir(parents=True)
        command("init", "--hub", str(hub))
        for project, dataset in (("rand-costs", "rand"), ("omop-conditions", "omop")):
            options = ["--hub", str(hub), "--dataset", dataset, *PERMIT]
            command("project", "open", project, *options)
        for file in sorted((ROOT / "docs" / "notebooks").glob("*.ipynb")):
            content = nbformat.read(file, as_version=4)
            folder = {"metadata": {"path": site / "docs" / "notebooks"}}
            # The site shows pictures that load nothing from elsewhere.
            content.cells.insert(0, nbformat.v4.new_code_cell(STATIC))
            NotebookClient(content, timeout=120, kernel_name="python3", resources=folder).execute()
            del content.cells[0]
            for cell in content.cells:
                cell.metadata.pop("execution", None)
                if cell.cell_type == "code":
                    cell.execution_count = None
            nbformat.write(content, file)


if __name__ == "__main__":
    main()
