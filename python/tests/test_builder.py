"""The builder makes SQL, and the SQL it makes is the question a person would have written."""

from __future__ import annotations

import datetime as dt
import math
import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import voilage as vo
from voilage._expr import identifier, literal

ONE_HUB = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def test_built_and_written_are_one_question(study: vo.Study) -> None:
    written = study.sql(
        "SELECT site, COUNT(DISTINCT person) AS people, AVG(cost) AS mean FROM visits "
        "WHERE site IS NOT NULL AND cost >= 10 GROUP BY site",
        epsilon=0.5,
    ).run()
    built = (
        study.table("visits")
        .filter(vo.col("site").is_not_null(), vo.col("cost") >= 10)
        .group_by("site")
        .agg(people=vo.count_units(), mean=vo.mean("cost"))
        .epsilon(0.5)
        .run()
    )
    assert built.replayed
    assert built.receipt == written.receipt
    assert built.to_arrow(intervals=True).equals(written.to_arrow(intervals=True))


def test_sql_text(study: vo.Study) -> None:
    question = (
        study.table("visits")
        .filter((vo.col("site") == 1) | ~vo.col("cost").between(1, 2.5))
        .group_by("site")
        .agg(people=vo.count_units(), each=vo.sum("cost") / vo.count())
        .sort("people", descending=True)
        .head(3)
    )
    assert question.sql_text == (
        'SELECT "site", COUNT(DISTINCT "person") AS "people", '
        '(CAST(SUM("cost") AS DOUBLE) / NULLIF(COUNT(*), 0)) AS "each" FROM "visits" '
        'WHERE (("site" = 1) OR (NOT ("cost" BETWEEN 1 AND 2.5))) GROUP BY "site" '
        'ORDER BY "people" DESC LIMIT 3'
    )
    assert len(question.epsilon(0.5).run()) == 3


def test_cohorts_restrict_without_showing(study: vo.Study) -> None:
    visits = study.table("visits")
    cohort = visits.units_where(vo.col("cost") > 50)
    result = visits.in_cohort(cohort).agg(people=vo.count_units()).epsilon(1).run()
    assert abs(result["people"].value[0] - 196) < 100
    with pytest.raises(vo.FixQuery, match="rows of individuals"):
        study.sql(cohort.sql_text, epsilon=1)


def test_features_of_each_person(study: vo.Study) -> None:
    """Everybody has two visits of one cost between 0 and 99."""
    each = study.table("visits").per_unit().agg(visits=vo.count(), total=vo.sum("cost", 0, 100))
    dear = each.filter(vo.col("total") > 100)
    question = dear.agg(people=vo.count_units(), visits=vo.mean("visits", 0, 4))
    result = question.rho("0.2").run()
    assert abs(result["people"].value[0] - 196) < 30
    assert abs(result["visits"].value[0] - 2) < 1
    with pytest.raises(vo.FixQuery, match="rows of individuals"):
        study.sql(f"SELECT * FROM {each._from_where()}", epsilon=1)


def test_people_outside_a_cohort(study: vo.Study) -> None:
    visits = study.table("visits")
    dear = visits.units_where(vo.col("cost") > 50)
    result = visits.not_in_cohort(dear).agg(people=vo.count_units()).rho("0.2").run()
    assert abs(result["people"].value[0] - 204) < 30


def test_learned_keys(study: vo.Study) -> None:
    result = study.table("visits").group_by("ward").agg(n=vo.count_units()).epsilon(2).run()
    assert result.to_arrow().column("ward").to_pylist() == ["ward 0", "ward 1"]


def test_bounds_in_the_question(study: vo.Study) -> None:
    """Bounds cut values and shrink the noise."""
    wide = study.table("visits").agg(mean=vo.mean("cost")).epsilon(1)
    tight = study.table("visits").agg(mean=vo.mean("cost", 0, 10)).epsilon(1)
    assert tight.preview().errors["mean"] < wide.preview().errors["mean"] / 9
    result = tight.run()
    assert 8 < result["mean"].value[0] <= 10


def test_bins(study: vo.Study) -> None:
    visits = study.table("visits").filter(vo.col("cost").is_not_null())
    question = visits.group_by(vo.histogram("cost", 20, 60, bins=4)).agg(n=vo.count())
    table = question.rho("0.2").run().to_arrow().to_pydict()
    assert table["cost_from"] == [20.0, 30.0, 40.0, 50.0]
    # 400 people have two rows each and cost 0 to 99 once in four: outside counts at the ends.
    for count, exact in zip(table["n"], [240, 80, 80, 400], strict=True):
        assert abs(count - exact) < 40


@pytest.mark.parametrize("bins", [0, -1, 1.5, True, 10_000])
def test_bins_that_are_none(bins: int) -> None:
    with pytest.raises(vo.FixQuery, match=r"bins\n  fix: write for example"):
        vo.histogram("cost", 0, 1, bins=bins)
    with pytest.raises(vo.FixQuery, match="has no width"):
        vo.histogram("cost", 1, float("nan"))


def test_choices_months_and_arithmetic(study: vo.Study) -> None:
    visits = study.table("visits")
    dear = vo.when(vo.col("cost") > 50, "dear").otherwise("cheap")
    result = visits.group_by(kind=dear).agg(n=vo.count()).rho("0.1").run().to_arrow().to_pydict()
    assert result["kind"] == ["cheap", "dear"]
    months = visits.group_by(vo.month("day"), vo.col("site")).agg(n=vo.count())
    assert months.sql_text == (
        'SELECT date_trunc(\'month\', "day") AS "month", "site", COUNT(*) AS "n" '
        'FROM "visits" GROUP BY date_trunc(\'month\', "day"), "site"'
    )
    assert months.epsilon(1).preview().affordable
    cents = vo.col("cost").fill_null(0) * 100 + 1
    exact = visits.agg(cents=vo.mean((cents % 1000) / 10, 0, 100)).epsilon(1)
    assert exact.preview().affordable
    assert visits.filter(vo.col("ward").like("ward %")).agg(n=vo.count()).epsilon(1).preview()


def test_dates(study: vo.Study) -> None:
    assert literal(dt.date(2026, 1, 31)) == "DATE '2026-01-31'"
    assert literal(dt.datetime(2026, 1, 31, 5)) == "TIMESTAMP '2026-01-31 05:00:00'"
    with pytest.raises(vo.FixQuery, match="astimezone"):
        literal(dt.datetime(2026, 1, 31, tzinfo=dt.UTC))
    late = study.table("visits").filter(vo.col("day") >= dt.date(2024, 10, 4))
    assert late.agg(visits=vo.count()).epsilon(1).preview().affordable


@ONE_HUB
@given(text=st.text(max_size=40))
@example(text="'; DROP TABLE visits; --")
@example(text="\\' OR 1=1 --")
@example(text="''")
@example(text="/* */ -- $$ `")
@example(text="\x00")
@example(text="\ud800")
def test_any_text_stays_one_literal(study: vo.Study, text: str) -> None:
    """Whatever a text holds, the statement keeps its shape: the same plan with another constant."""
    try:
        sql = literal(text)
    except vo.FixQuery:
        assert "\0" in text or re.search("[\ud800-\udfff]", text)
        return
    assert sql.startswith("'")
    assert sql.endswith("'")
    assert sql[1:-1].replace("''", "").count("'") == 0
    query = study.table("visits").filter(vo.col("ward") == text).agg(n=vo.count()).epsilon(1)
    plain = study.table("visits").filter(vo.col("ward") == "x").agg(n=vo.count()).epsilon(1)
    assert query.preview().to_dict() == plain.preview().to_dict()


@ONE_HUB
@given(name=st.text(min_size=1, max_size=40))
@example(name='cost" OR "site')
@example(name='"')
@example(name="COST")
@example(name="cost ")
@example(name="visits.cost")
@example(name="\u0441ost")
def test_any_name_is_that_name_or_nothing(study: vo.Study, name: str) -> None:
    """A quoted name is one column of that very name; anything else is refused."""
    known = {"person", "site", "ward", "day", "cost"}
    try:
        query = study.table("visits").filter(vo.col(name).is_not_null()).agg(n=vo.count())
        query.epsilon(1)
    except vo.FixQuery:
        assert name not in known
        return
    assert name in known


@given(name=st.text(min_size=1, max_size=40).filter(lambda name: "\0" not in name))
def test_identifiers_can_be_read_back(name: str) -> None:
    quoted = identifier(name)
    assert quoted[0] == quoted[-1] == '"'
    assert quoted[1:-1].replace('""', '"') == name
    assert '"' not in quoted[1:-1].replace('""', "")


@given(number=st.one_of(st.integers(), st.floats()))
def test_numbers_are_exact_or_refused(number: float) -> None:
    try:
        text = literal(number)
    except vo.FixQuery:
        assert math.isnan(number) or abs(number) > 2**63 - 1
        return
    assert type(number)(text) == number
    assert re.fullmatch(r"-?\d+(\.\d+)?(e[+-]?\d+)?", text)


def test_conditions_have_no_truth_value() -> None:
    with pytest.raises(TypeError, match=r"write & \| ~"):
        _ = 1 < vo.col("site") < 3
    with pytest.raises(TypeError, match="parentheses"):
        _ = (vo.col("site") == 1) & 2  # type: ignore[operator]
    with pytest.raises(TypeError, match="is_null"):
        _ = vo.col("site") == None  # noqa: E711


def test_with_error_finds_the_cheapest_price(study: vo.Study) -> None:
    sql = "SELECT COUNT(DISTINCT person) AS people, SUM(cost) AS total FROM visits"
    before = study.budget.to_dict()
    query = study.sql(sql, epsilon=1).with_error(people=25, total=20_000)
    assert study.budget.to_dict() == before
    errors = query.preview().errors
    assert errors["people"] <= 25
    assert errors["total"] <= 20_000
    rho = float(query.preview().loss["rho"])
    cheaper = study.sql(sql, rho=f"{rho * 0.98:.12f}").preview().errors
    assert cheaper["people"] > 25 or cheaper["total"] > 20_000


@pytest.mark.parametrize("wanted", [0, -1, float("nan"), float("inf"), "25", True])
def test_errors_that_are_none(study: vo.Study, wanted: float) -> None:
    query = study.sql("SELECT COUNT(*) AS visits FROM visits", epsilon=1)
    with pytest.raises(vo.FixQuery, match="is no error"):
        query.with_error(visits=wanted)


def test_errors_of_columns_that_have_none(study: vo.Study) -> None:
    query = study.sql("SELECT COUNT(*) * 2 AS twice, COUNT(*) AS n FROM visits", epsilon=1)
    with pytest.raises(vo.FixQuery, match="not known beforehand"):
        query.with_error(twice=25)
    with pytest.raises(vo.FixQuery, match="no price gives so small an error"):
        query.with_error(n=1e-9)
