"""What people see: tables, cards, plots, warnings, the cell magic."""

from __future__ import annotations

import datetime as dt
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.dom import minidom

import pytest
from IPython.core.interactiveshell import InteractiveShell

import voilage as vo
from voilage._budget import Budget
from voilage._chart import Chart, Mark
from voilage._render import Cells, as_html, as_text
from voilage._warnings import warnings_of

PEOPLE = Cells("people", "int", [1153, 12, None], ([1139.0, -2.0, None], [1167.0, 26.0, None]))
KEY = Cells("site", "text", ["north", "<script>", None], None)


class Balanced(HTMLParser):
    """Fails on a tag that is not closed in order."""

    VOID = frozenset({"br", "line", "circle", "rect", "polyline", "path"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def check_html(html: str) -> None:
    parser = Balanced()
    parser.feed(html)
    assert parser.open == []
    assert "<script" not in html
    assert "http://" not in html.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in html


def check_svg(svg: str) -> None:
    root = minidom.parseString(svg).documentElement  # noqa: S318  (our own bytes)
    assert root is not None
    assert root.tagName == "svg"


def test_a_table_on_a_terminal() -> None:
    assert as_text([KEY, PEOPLE], ["cost 1%"]) == "\n".join(
        [
            "site      people",
            "--------  ---------------------",
            "north      1,153 [1,139, 1,167]",
            "<script>  ~   12 [-2, 26]",
            "NULL        NULL",
            "[95% intervals for the noise around the bounded answer]",
            "cost 1%",
        ]
    )


def test_a_table_in_html() -> None:
    html = as_html([KEY, PEOPLE], ["a & b"])
    check_html(html)
    assert "&lt;script&gt;" in html
    assert "a &amp; b" in html
    assert "too small against its noise" in html
    assert html.count("<svg") == 2


def test_long_tables_are_cut() -> None:
    long = Cells("n", "int", list(range(1000)), None)
    assert "... and 960 more rows" in as_text([long], [])
    assert as_html([long], []).count("<tr>") == 41


def test_control_characters_are_not_printed() -> None:
    sneaky = Cells("k", "text", ["\x1b[31mred\u202e"], None)
    assert "\x1b" not in as_text([sneaky], [])
    assert "\u202e" not in as_html([sneaky], [])


def test_result(study: vo.Study) -> None:
    sql = (
        "SELECT site, COUNT(DISTINCT person) AS people, AVG(cost) AS mean FROM visits GROUP BY site"
    )
    result = study.sql(sql, epsilon=1).run()
    bundle = result._repr_mimebundle_()
    check_html(bundle["text/html"])
    assert result.footer in bundle["text/plain"]
    assert re.fullmatch(
        r"cost \d+\.\d\d% of costs's budget, \d+\.\d\d% is left; release \d+-[0-9a-f]{8}",
        result.footer,
    )
    again = study.sql(sql, epsilon=1).run()
    assert again.footer.startswith("replayed: nothing was charged now; it cost ")
    assert again.release == result.release


@pytest.mark.parametrize("bars", [False, True])
@pytest.mark.parametrize("altair", [True, False])
def test_plots(study: vo.Study, monkeypatch: pytest.MonkeyPatch, altair: bool, bars: bool) -> None:
    monkeypatch.setattr("voilage._plots._altair_is_there", lambda: altair)
    sql = "SELECT site, ward, COUNT(DISTINCT person) AS people FROM visits GROUP BY site, ward"
    result = study.sql(sql, epsilon=2).run()
    chart = result.plot("people", bars=bars)
    if altair:
        content = chart.to_dict()
        assert content["layer"][0]["encoding"]["y2"]["field"] == "high"
        assert result.plot(by="site").to_dict()["layer"][0]["encoding"]["color"]["title"] == "site"
    else:
        assert isinstance(chart, Chart)
        check_svg(chart.svg)
        assert chart.svg.count("<g ") == len(result)
    for column, message in (("site", "no interval"), ("peple", "did you mean people")):
        with pytest.raises(vo.FixQuery, match=message):
            result.plot(column)


def test_the_static_chart_holds_odd_numbers(tmp_path: Path) -> None:
    marks = [
        Mark("<&>", 0.0, -float("inf"), float("inf")),
        Mark("b", 5e9, 4e9, 6e9, faint=True),
        Mark("c", -3.0, -4.0, -2.0),
    ]
    for bars in (False, True):
        chart = Chart("odd <title>", marks=marks, bars=bars)
        chart.save(tmp_path / "chart.svg")
        check_svg((tmp_path / "chart.svg").read_text())
        numbers = re.findall(r'="(-?[0-9.]+|nan|inf)"', (tmp_path / "chart.svg").read_text())
        assert all(-10 <= float(number) <= 600 for number in numbers)
    check_svg(Chart("nothing").svg)


BUDGET = {
    "project": "costs",
    "dataset": "clinic",
    "accountant": "zcdp",
    "epsilon": "4",
    "delta": "0.0000001",
    "status": "open",
    "cap": {"rho": "0.2", "delta": "0"},
    "spent": {"rho": "0.1500001", "delta": "0"},
    "left": {"rho": "0.0499999", "delta": "0"},
    "affordable_epsilon": "1.23456",
    "permit": {"reference": "<b>1</b>", "starts": "2026-01-01", "ends": "2026-12-31"},
    "charges": [
        {
            "entry": 3,
            "charged_at": "2026-02-01T10:00:00+00:00",
            "loss": {"rho": "0.1500001", "delta": "0"},
            "spent_after": {"rho": "0.1500001", "delta": "0"},
            "question": "SELECT 1",
            "replays": 2,
        }
    ],
}


def test_the_budget_card() -> None:
    budget = Budget(BUDGET, today=dt.date(2026, 3, 14))
    # 75.00005% spent: rounded up; 24.99995% left: rounded down. 42 days are six weeks.
    assert (budget.spent_share, budget.left_share) == ("75.01%", "24.99%")
    assert budget.weekly_share == "12.51%"
    assert budget.exhausted_on == dt.date(2026, 3, 27)
    assert "lasts until 2026-03-27" in repr(budget)
    assert "292 days from now" in repr(budget)
    check_html(budget._repr_html_())
    assert budget.charges[0].share == "75.01%"


def test_an_untouched_budget() -> None:
    fresh = {**BUDGET, "charges": [], "spent": {"rho": "0", "delta": "0"}, "left": BUDGET["cap"]}
    budget = Budget(fresh, today=dt.date(2026, 3, 14))
    assert (budget.spent_share, budget.left_share) == ("0.00%", "100.00%")
    assert budget.exhausted_on is None
    check_html(budget._repr_html_())


def test_the_burn_down(monkeypatch: pytest.MonkeyPatch) -> None:
    budget = Budget(BUDGET, today=dt.date(2026, 3, 14))
    values = budget.plot().to_dict()["data"]["values"]
    left = [row["left"] for row in values if row["line"] == "left"]
    assert left == pytest.approx([1.0, 1.0, 0.25, 0.25], abs=1e-5)
    monkeypatch.setattr("voilage._plots._altair_is_there", lambda: False)
    check_svg(budget.plot().svg)


def test_a_question_shows_its_sql(study: vo.Study) -> None:
    query = study.sql("SELECT COUNT(*) AS n FROM visits WHERE cost < 50")
    check_html(query._repr_html_())
    assert "cost &lt; 50" in query._repr_html_()
    assert "no price yet" in query._repr_html_()
    assert "epsilon 1" in query.epsilon(1)._repr_html_()
    check_html(study.schema()["visits"]._repr_html_())
    assert repr(study.schema()["visits"]) in repr(study.schema())


def test_preview_card(study: vo.Study) -> None:
    preview = study.sql("SELECT COUNT(*) AS n FROM visits", epsilon=1).preview()
    check_html(preview._repr_html_())
    assert "&plusmn;" in preview._repr_html_()
    assert not study.sql("SELECT COUNT(*) AS n FROM visits", rho=5).preview().affordable


def explained(bounds: tuple[float, float]) -> dict[str, object]:
    held = {"lower": str(bounds[0]), "upper": str(bounds[1])}
    return {
        "columns": [{"name": "mean", "boundary": 0, "output": 0}],
        "boundaries": [{"outputs": [{"kind": "mean", "range": held}]}],
    }


@pytest.mark.parametrize(
    ("value", "bounds", "said"),
    [
        (50.0, (0.0, 100.0), None),
        (99.5, (0.0, 100.0), "the bound looks too low"),
        (3.0, (0.0, 1000.0), "would mean less noise"),
        (1990.0, (1900.0, 2026.0), None),
    ],
)
def test_bounds_that_look_wrong(
    value: float, bounds: tuple[float, float], said: str | None
) -> None:
    mean = Cells("mean", "float", [value], ([value - 0.5], [value + 0.5]))
    found = warnings_of([mean], explained(bounds))
    assert (said is None and found == []) or (said is not None and said in found[0])


def test_a_mean_that_is_hardly_known_says_nothing_about_bounds() -> None:
    mean = Cells("mean", "float", [500.0], ([250.0], [500.0]))
    assert warnings_of([mean], explained((0.0, 500.0))) == []


def test_the_card_of_a_price_is_whole(study: vo.Study) -> None:
    """Whatever the explanation says stands on the card, in HTML of its own."""
    visits = study.table("visits")
    learned = visits.group_by("ward").agg(people=vo.count_units(), cost=vo.mean("cost"))
    html = learned.options(min_units=20).epsilon(0.5).preview()._repr_html_()
    check_html(html)
    content = learned.options(min_units=20).epsilon(0.5).preview().to_dict()
    (boundary,) = content["boundaries"]
    told = [
        content["share"],
        content["left_after"],
        boundary["keys"]["threshold"],
        "groups of 20 units or more",
        "at most 2 rows in 1 groups",
        "cost: 0 to 100 or NULL",
        "asserted: price list",
        "&plusmn;",
        *(noisy["measure"] for noisy in boundary["noisy"]),
    ]
    assert [text for text in told if text not in html] == []
    assert "<pre" not in html
    by_site = visits.group_by("site").agg(n=vo.count()).rho(5).preview()._repr_html_()
    check_html(by_site)
    assert "public: all 4 cells are shown" in by_site
    assert "not enough is left" in by_site
    twice = "SELECT COUNT(*) AS n FROM visits WHERE cost > (SELECT AVG(cost) FROM visits)"
    assert "What is measured 2 of 2" in study.sql(twice, epsilon=1).preview()._repr_html_()


def test_the_cell_magic(study: vo.Study) -> None:
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "voilage")
    shell.user_ns["study"] = study
    sql = "SELECT COUNT(*) AS visits FROM visits"
    preview = shell.run_cell_magic("voilage", "study --epsilon 0.5 --preview", sql)
    assert preview.errors.keys() == {"visits"}
    assert study.budget.spent_share == "0.00%"
    result = shell.run_cell_magic("voilage", "study --epsilon 0.5 --into answer", sql)
    assert shell.user_ns["answer"] is result
    assert len(study.budget.charges) == 1
    for line, message in (
        ("nobody --epsilon 1", "nobody is no study\n  fix: use one of: study"),
        ("study --epsilo", "fix: write %%voilage STUDY"),
        ("--epsilon 1", "required: study"),
    ):
        with pytest.raises(vo.FixQuery, match=re.escape(message)):
            shell.run_cell_magic("voilage", line, sql)


def test_schema_and_mock(study: vo.Study) -> None:
    schema = study.schema()
    assert schema["visits"].unit == "person"
    assert schema["visits"]["site"].values == (1, 2, 3)
    assert schema["visits"]["cost"].source == "asserted: price list"
    check_html(schema._repr_html_())
    with pytest.raises(vo.FixQuery, match="did you mean visits"):
        schema["visit"]
    with pytest.raises(vo.FixQuery, match="did you mean cost"):
        schema["visits"]["costs"]
    table = study.mock(rows=500, seed=1)["visits"].to_arrow()
    assert table.num_rows == 500
    assert set(table.column("site").to_pylist()) == {1, 2, 3, None}
    assert all(0 <= cost <= 100 for cost in table.column("cost").to_pylist() if cost is not None)
    assert str(table.schema.field("day").type) == "date32[day]"
    assert study.mock(rows=500, seed=1)["visits"].to_arrow().equals(table)
    assert not study.mock(rows=500, seed=2)["visits"].to_arrow().equals(table)
    with pytest.raises(vo.FixQuery, match="rows=1000"):
        study.mock(rows=-1)


def test_mock_never_looks_at_data(study: vo.Study, tmp_path: Path) -> None:
    (tmp_path / "visits.parquet").unlink()
    assert len(study.mock(rows=10)["visits"]) == 10
    assert study.schema()["visits"].unit == "person"
