"""Views of the hub file are read like tables: in the schema, in the builder, in mock rows."""

from __future__ import annotations

from pathlib import Path

import pytest

import voilage as vo
from conftest import HUB, Golden, command

VIEWS = """
[datasets.clinic.views.dear]
sql = "SELECT person, site, cost, cost / 2 AS half FROM visits WHERE cost > 50"
description = "visits that cost more than 50"

[datasets.clinic.views.totals]
sql = "SELECT person, COUNT(*) AS visits FROM visits GROUP BY person"

[datasets.clinic.views.nameless]
sql = "SELECT site, cost FROM visits"
description = "who came is nobody's business"

[datasets.clinic.views.by_site]
sql = "SELECT site, COUNT(*) AS n FROM visits GROUP BY site"

[datasets.clinic.views.first_rows]
sql = "SELECT * FROM visits LIMIT 5"

[datasets.clinic.views.places]
sql = "SELECT code, name FROM codes WHERE code < 3"

[datasets.other]
cap = { epsilon = "1", delta = "1e-6" }

[datasets.other.views.elsewhere]
sql = "SELECT 1 AS one FROM codes"

[public.codes]
file = "codes.parquet"
provenance = "made up"

[public.codes.columns]
code = { type = "int64" }
name = { type = "utf8" }
"""


@pytest.fixture
def study(hub: vo.Hub, tmp_path: Path) -> vo.Study:
    """The small hub, and views."""
    hub.close()
    codes = vo.Hub.local(tmp_path / "local", epsilon=1, delta="1e-6")
    codes.register_public("codes", {"code": [1, 2, 3], "name": list("abc")}, provenance="made up")
    (tmp_path / "local" / "tables" / "codes.parquet").rename(tmp_path / "codes.parquet")
    file = tmp_path / "hub.toml"
    file.write_text(HUB + VIEWS)
    assert command("init", "--hub", str(file)) == 0
    return vo.open(file).project("costs")


def test_the_schema_shows_views(study: vo.Study, golden: Golden) -> None:
    schema = study.schema()
    golden.check("views", repr(schema))
    assert "elsewhere" not in schema
    assert schema.get("elsewhere") is None
    dear = schema["dear"]
    assert (dear.unit, dear.rows, dear.is_view) == ("person", "people", True)
    # What the view's own condition and arithmetic leave of the declared bounds of [0, 100].
    assert dear["cost"].bounds == (50.0, 100.0)
    assert dear["half"].bounds == (25.0, 50.0)
    assert dear["site"].values == (1, 2, 3)
    assert dear["half"].source == "asserted: price list"
    assert schema["totals"].unit == "person"
    assert (schema["nameless"].unit, schema["nameless"].rows) == (None, "people")
    assert schema["by_site"].rows == "released"
    assert schema["places"].rows == "public"
    assert schema["first_rows"].rows == "refused"


def test_a_view_is_asked_like_a_table(study: vo.Study) -> None:
    built = study.table("dear").group_by("site").agg(people=vo.count_units(), mean=vo.mean("half"))
    result = built.rho("0.1").run()
    written = study.sql(
        "SELECT site, COUNT(DISTINCT person) AS people, AVG(cost / 2) AS mean FROM visits "
        "WHERE cost > 50 GROUP BY site",
        rho="0.1",
    )
    assert written.run().receipt["columns"] == result.receipt["columns"]
    assert abs(sum(result["people"].value) - 196) < 60
    assert all(25 <= mean <= 50 for mean in result["mean"].value)


def test_features_stand_in_a_view(study: vo.Study) -> None:
    often = study.table("totals").filter(vo.col("visits") >= 2)
    result = often.agg(people=vo.count_units(), visits=vo.mean("visits", 0, 4)).rho("0.1").run()
    assert abs(result["people"].value[0] - 400) < 40


def test_a_view_without_its_unit_counts_rows(study: vo.Study) -> None:
    nameless = study.table("nameless")
    assert abs(nameless.agg(rows=vo.count()).rho("0.1").run()["rows"].value[0] - 800) < 60
    with pytest.raises(vo.FixQuery, match="does not show the unit"):
        nameless.agg(people=vo.count_units()).epsilon(1)


def test_views_that_hold_nobody_s_rows(study: vo.Study) -> None:
    with pytest.raises(vo.FixQuery, match="places is a public table"):
        study.table("places").agg(n=vo.count())
    with pytest.raises(vo.FixQuery, match="LIMIT over rows of individuals"):
        study.table("first_rows").agg(n=vo.count()).epsilon(1)
    cells = study.sql("SELECT MAX(n) AS most FROM by_site", epsilon=1).run()
    assert len(cells) == 1


def test_mock_rows_of_a_view(study: vo.Study) -> None:
    mock = study.mock(rows=50)
    assert set(mock) == set(study.schema()) - {"first_rows"}
    costs = mock["dear"].to_arrow().column("cost").to_pylist()
    assert all(50 <= cost <= 100 for cost in costs if cost is not None)
