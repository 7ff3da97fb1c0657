"""The builder makes SQL, and the SQL it makes is the question a person would have written."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable

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


OLD = vo.col("cost") >= 60
SAME: dict[str, tuple[vo.Aggregate, str]] = {
    "rows": (vo.count(), "COUNT(*)"),
    "rows with a value": (vo.count("cost"), "COUNT(cost)"),
    "units": (vo.count_units(), "COUNT(DISTINCT person)"),
    "different values": (vo.count_distinct("ward"), "COUNT(DISTINCT ward)"),
    "different values with": (
        vo.count_distinct("day").where(OLD),
        "COUNT(DISTINCT day) FILTER (WHERE cost >= 60)",
    ),
    "sum": (vo.sum("cost"), "SUM(cost)"),
    "mean": (vo.mean("cost", 0, 50), "AVG(clamp(cost, 0, 50))"),
    "variance": (vo.variance("cost"), "VAR(cost)"),
    "variance of all": (vo.variance("cost", ddof=0), "VAR_POP(cost)"),
    "deviation": (vo.std("cost", 0, 50), "STDDEV(clamp(cost, 0, 50))"),
    "deviation of all": (vo.std("cost", ddof=0), "STDDEV_POP(cost)"),
    "median": (vo.median("cost"), "MEDIAN(cost)"),
    "quantile": (vo.quantile("cost", 0.9), "APPROX_PERCENTILE_CONT(cost, 0.9)"),
    "least": (vo.min("cost"), "MIN(cost)"),
    "most": (vo.max("cost", 0, 50), "MAX(clamp(cost, 0, 50))"),
    "units with": (
        vo.count_units().where(OLD),
        "COUNT(DISTINCT person) FILTER (WHERE cost >= 60)",
    ),
    "mean with": (
        vo.mean("cost").where(OLD, vo.col("site") == 1),
        "AVG(cost) FILTER (WHERE cost >= 60 AND site = 1)",
    ),
    "with twice": (
        vo.count().where(OLD).where(vo.col("site") == 1),
        "COUNT(*) FILTER (WHERE cost >= 60 AND site = 1)",
    ),
    "share": (
        vo.count_units().where(OLD) / vo.count_units(),
        "CAST(COUNT(DISTINCT person) FILTER (WHERE cost >= 60) AS DOUBLE) "
        "/ NULLIF(COUNT(DISTINCT person), 0)",
    ),
    "ratio with": (
        (vo.sum("cost") / vo.count()).where(OLD),
        "CAST(SUM(cost) FILTER (WHERE cost >= 60) AS DOUBLE) "
        "/ NULLIF(COUNT(*) FILTER (WHERE cost >= 60), 0)",
    ),
    "per thousand": (1000 * vo.count_units(), "COUNT(DISTINCT person) * 1000"),
    "inverse": (1 / vo.count(), "CAST(1 AS DOUBLE) / NULLIF(COUNT(*), 0)"),
    "negative": (-vo.count(), "- COUNT(*)"),
}


@pytest.mark.parametrize("name", SAME)
def test_each_aggregate_is_the_sql_that_one_would_write(study: vo.Study, name: str) -> None:
    """The second run is a replay: one plan, one price, one charge. And the values are the same."""
    aggregate, sql = SAME[name]
    written = study.sql(f"SELECT site, {sql} AS x FROM visits GROUP BY site", share="20%").run()
    built = study.table("visits").group_by("site").agg(x=aggregate).share("20%").run()
    assert built.replayed
    assert built.to_arrow(intervals=True).equals(written.to_arrow(intervals=True))


def test_different_values_are_near(study: vo.Study) -> None:
    """Days are 365, each of one or two people with two rows of one day."""
    result = study.table("visits").agg(days=vo.count_distinct("day")).rho("0.2").run()
    assert abs(result["days"].value[0] - 365) < 40


def test_spreads_and_quantiles_are_near(study: vo.Study) -> None:
    """Costs are 0 to 99, evenly: the quantile p is 99p, the variance 833."""
    visits = study.table("visits")
    quantiles = vo.quantiles("cost", [0.25, 0.5, 0.9])
    result = visits.agg(cost=quantiles).share("60%").run()
    assert result.columns == ("cost_p25", "cost_p50", "cost_p90")
    for name, exact in (("cost_p25", 25), ("cost_p50", 50), ("cost_p90", 90)):
        assert abs(result[name].value[0] - exact) < 8
    spread = visits.agg(variance=vo.variance("cost"), deviation=vo.std("cost")).share("30%").run()
    assert abs(spread["variance"].value[0] - 833) < 200
    assert abs(spread["deviation"].value[0] - 28.9) < 4


def test_names_of_quantiles() -> None:
    names = list(vo.quantiles("cost", [0.025, 0.5, 0.999, 1e-05]))
    assert names == ["p2_5", "p50", "p99_9", "p0_001"]
    assert "0.00001)" in repr(vo.quantile("cost", 1e-05))


def test_shares_have_intervals(study: vo.Study) -> None:
    share = vo.count_units().where(vo.col("cost") >= 60) / vo.count_units()
    result = study.table("visits").agg(share=share).rho("0.2").run()
    ((value, low, high),) = result["share"]
    assert low < value < high
    assert abs(value - 0.4) < 0.1


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (lambda: vo.quantile("cost", 0), "0 is no share between 0 and 1"),
        (lambda: vo.quantile("cost", 1.0), "1.0 is no share"),
        (lambda: vo.quantile("cost", float("nan")), "nan is no share"),
        (lambda: vo.quantile("cost", "0.5"), "'0.5' is no share"),  # type: ignore[arg-type]
        (lambda: vo.quantile("cost", True), "True is no share"),
        (lambda: vo.quantile("cost", 0.9, 5), r"vo.quantile\('cost', 0.9\): one bound is missing"),
        (lambda: vo.quantile("cost", 0.9, 5, 1), r"fix: write vo.quantile\('cost', 0.9, 1, 5\)"),
        (lambda: vo.quantiles("cost", []), "asks for nothing"),
        (lambda: vo.quantiles("cost", [50]), "50 is no share"),
        (lambda: vo.std("cost", ddof=2), "only 0 and 1"),
        (lambda: vo.count().where(), "names no condition"),
    ],
)
def test_aggregates_that_are_none(bad: Callable[[], object], message: str) -> None:
    with pytest.raises(vo.FixQuery, match=message):
        bad()


def test_columns_of_one_name(study: vo.Study) -> None:
    visits = study.table("visits")
    with pytest.raises(vo.FixQuery, match="two columns are called cost_p50"):
        visits.agg(cost_p50=vo.count(), cost=vo.quantiles("cost", [0.5]))
    with pytest.raises(vo.FixQuery, match="n_p50 is a group key already"):
        visits.group_by(n_p50=vo.col("site")).agg(n=vo.quantiles("cost", [0.5]))
    with pytest.raises(TypeError, match=r"n is int, not an aggregate"):
        visits.agg(n=5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="where takes conditions, not bool"):
        vo.count().where(True)  # type: ignore[arg-type]


def test_a_question_without_a_price(study: vo.Study) -> None:
    """It is analysed at once, and lacks nothing but a price."""
    query = study.sql("SELECT COUNT(DISTINCT person) AS people FROM visits")
    assert query.price == "none yet"
    assert ".with_error(" in repr(query)
    for ask in (query.preview, query.run):
        with pytest.raises(vo.FixQuery, match="has no price yet"):
            ask()
    assert query.with_error(people=25).preview().errors["people"] <= 25
    assert not query.epsilon(0.5).run().replayed
    assert query.epsilon(1).epsilon(0.5).run().replayed
    assert query.share("1%").preview().share == "1.00%"
    assert query.rho("0.001").price == "rho 0.001"
    with pytest.raises(vo.FixQuery, match="missing-bounds"):
        study.sql("SELECT SUM(person) AS n FROM visits")
    stated = "SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 0.5) COUNT(*) AS n FROM visits"
    assert study.sql(stated).preview().affordable
    with pytest.raises(vo.FixQuery, match="said twice"):
        study.sql(stated).epsilon(1)
    with pytest.raises(vo.FixQuery, match="did you mean cost"):
        study.sql(stated.replace("COUNT(*)", "AVG(csot)"))


def test_totals_beside_parts(study: vo.Study) -> None:
    """Both ways of writing it are one question, and totals are told from missing keys."""
    visits = study.table("visits").drop_nulls("site")
    built = visits.rollup("site").agg(all_sites=vo.is_total("site"), n=vo.count()).rho("0.1").run()
    written = study.sql(
        "SELECT site, GROUPING(site) AS all_sites, COUNT(*) AS n FROM visits "
        "WHERE site IS NOT NULL GROUP BY ROLLUP (site)",
        rho="0.1",
    ).run()
    assert written.replayed
    rows = built.to_arrow().to_pylist()
    assert [row["all_sites"] for row in rows].count(1) == 1
    total = next(row["n"] for row in rows if row["all_sites"])
    parts = sum(row["n"] for row in rows if not row["all_sites"])
    assert abs(total - 800) < 60
    assert abs(parts - 800) < 120
    margins = visits.group_by_sets(("site",), ("ward",), ()).agg(n=vo.count())
    assert margins.sql_text.endswith('GROUP BY GROUPING SETS (("site"), ("ward"), ())')
    cube = visits.cube("site", dear=vo.col("cost") > 50).agg(n=vo.count())
    assert cube.sql_text.endswith('GROUP BY CUBE ("site", ("cost" > 50))')
    assert cube.epsilon(0.1).preview().affordable
    with pytest.raises(vo.FixQuery, match=r"rollup\(\) names no key"):
        visits.rollup()
    with pytest.raises(vo.FixQuery, match="names no column"):
        visits.group_by_sets(())
    with pytest.raises(vo.FixQuery, match="did you mean site"):
        visits.cube("sight")


def test_options_stand_in_the_sql(study: vo.Study) -> None:
    question = study.table("visits").group_by("ward").agg(n=vo.count_units())
    changed = question.options(min_units=30, max_rows_per_group=1, selection_delta="1e-9")
    assert changed.sql_text.startswith(
        "SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS"
        "(min_units = 30, max_rows_per_group = 1, delta = '1e-9') \"ward\""
    )
    (boundary,) = changed.epsilon(1).preview().to_dict()["boundaries"]
    assert (boundary["keys"]["min_units"], boundary["max_rows_per_group"]) == (30, 1)
    assert changed.options(min_units=40).sql_text.count("min_units = 40") == 1
    assert list(changed.epsilon(2).run().to_arrow().column("ward").to_pylist()) == [
        "ward 0",
        "ward 1",
    ]
    assert len(question.options(min_units=300).epsilon(2).run()) == 0
    uneven = study.table("visits").agg(n=vo.count(), cost=vo.mean("cost"))
    uneven = uneven.options(weights={"n": 0.5, "cost": 2})
    assert "OPTIONS(weights = 'n = 0.5, cost = 2')" in uneven.sql_text
    assert uneven.epsilon(1).preview().affordable
    with pytest.raises(vo.FixQuery, match="did you mean cost"):
        uneven.options(weights={"costs": 2})
    with pytest.raises(vo.FixQuery, match=r"from 0\.001 to 1000"):
        uneven.options(weights={"cost": 0})
    for wrong in (0, -1, 2.5, True):
        with pytest.raises(vo.FixQuery, match="whole number from 1 on"):
            question.options(min_units=wrong)  # type: ignore[arg-type]
    with pytest.raises(vo.FixQuery, match="policy allows at most"):
        question.options(max_groups=100).epsilon(1)


def test_consistent_counts(study: vo.Study) -> None:
    question = study.table("visits").rollup("site").agg(n=vo.count())
    rows = question.options(consistent=True).rho("0.01").run()
    assert min(rows["n"].value) >= 0
    parts, total = rows["n"].value[:-1], rows["n"].value[-1]
    assert sum(parts) == total
    assert question.rho("0.01").run().replayed


def test_how_many_people_are_cut(study: vo.Study) -> None:
    """Everybody has two rows, all at one site."""
    question = study.table("visits").group_by("site").agg(n=vo.count())
    asked = question.options(max_rows_per_group=1, estimate_cut=True)
    assert "OPTIONS(max_rows_per_group = 1, estimate_cut = true)" in asked.sql_text
    result = asked.rho("0.2").run()
    (cut,) = result.cut
    assert (cut.max_groups, cut.max_rows_per_group) == (1, 1)
    assert cut.rows.low <= cut.rows.value <= cut.rows.high
    assert abs(cut.rows.value - 400) < 80
    assert abs(cut.groups.value) < 80
    assert str(cut) in repr(result)
    assert question.rho("0.01").run().cut == ()


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
    for bucket, name in ((vo.week("day"), "week"), (vo.year("day"), "year")):
        by_bucket = visits.group_by(bucket).agg(n=vo.count()).epsilon(0.5).run()
        assert by_bucket.columns == (name, "n")
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
