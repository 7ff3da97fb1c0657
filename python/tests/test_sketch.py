"""The first lines that a data scientist was promised, on the demo's hub, as they were written."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import voilage as vo
from conftest import checkout

LINES = """
import voilage as vo
hub   = vo.open("hub.toml")                      # later also vo.connect("grpc+tls://...")
study = hub.project("cardio-2026")
study.budget                                     # card: share of rho spent and left, ...

q = study.sql("SELECT site, COUNT(DISTINCT zper) AS people, AVG(meddol) AS cost FROM rand_hie GROUP BY site", epsilon=0.5)
q = (study.table("rand_hie").filter(vo.col("year") == 1).group_by("site")
          .agg(people=vo.count_units(), cost=vo.mean("meddol", 0, 5_000)).epsilon(0.5))   # the same, built
q.preview()        # free: price, expected error per column, keys, bounds, what is left after
q.with_error(cost=25)                            # or: the cheapest loss that gives +-25 at 95%
r = q.run()        # value, low, high per column; footer: what it cost, what is left, release id
r.plot("cost")     # points or bars with intervals; Altair chart, static fallback without it
r.top_up(epsilon=0.5)                            # more precision, combined with what was bought
r.receipt
"""  # noqa: E501  (as it was written)


def shown(lines: str) -> dict[str, object]:
    """Run the lines; return what a notebook would show of each, and the names that are left."""
    names: dict[str, object] = {}
    found: dict[str, object] = {}
    for node in ast.parse(lines).body:
        text = ast.unparse(node)
        if isinstance(node, ast.Expr):
            found[text] = eval(text, names)  # noqa: S307  (our own lines)
        else:
            exec(text, names)  # noqa: S102
    return {**names, **found}


def width(result: vo.Result) -> float:
    people = result["people"]
    return people.high[0] - people.low[0]


def test_every_line_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = checkout(tmp_path, {"cardio-2026": "rand"})
    monkeypatch.chdir(hub.parent)
    found = shown(LINES)
    budget, preview, result = found["study.budget"], found["q.preview()"], found["r"]
    assert isinstance(budget, vo.Budget)
    assert budget.spent_share == "0.00%"
    assert isinstance(preview, vo.Preview)
    assert set(preview.errors) == {"people", "cost"}
    assert preview.left_after.endswith("%")
    cheapest = found["q.with_error(cost=25)"]
    assert isinstance(cheapest, vo.Query)
    assert cheapest.preview().errors["cost"] <= 25
    assert isinstance(result, vo.Result)
    assert result.columns == ("site", "people", "cost")
    assert len(result) == 7
    assert "% of cardio-2026's budget" in result.footer
    assert found["r.receipt"] == result.receipt
    better = found["r.top_up(epsilon=0.5)"]
    assert isinstance(better, vo.Result)
    assert better.columns == result.columns
    assert width(better) < width(result)
    study = found["study"]
    assert isinstance(study, vo.Study)
    assert len(study.budget.charges) == 2


def test_built_and_written_are_one_question(tmp_path: Path) -> None:
    """The two ways of the sketch, once they ask the same: the second is a replay."""
    study = vo.open(checkout(tmp_path, {"cardio-2026": "rand"})).project("cardio-2026")
    written = study.sql(
        "SELECT site, COUNT(DISTINCT zper) AS people, AVG(clamp(meddol, 0, 5000)) AS cost "
        "FROM rand_hie WHERE year = 1 GROUP BY site"
    )
    built = (
        study.table("rand_hie")
        .filter(vo.col("year") == 1)
        .group_by("site")
        .agg(people=vo.count_units(), cost=vo.mean("meddol", 0, 5_000))
    )
    assert not written.with_error(people=60).run().replayed
    assert built.with_error(people=60).run().replayed
