"""More precision for an answer: paid once, and combined with what was bought."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import voilage as vo
from conftest import Golden

SQL = "SELECT site, COUNT(*) AS n, AVG(cost) AS mean FROM visits GROUP BY site"


def width(result: vo.Result, column: str = "n") -> float:
    ends = result[column]
    return ends.high[0] - ends.low[0]


def test_two_steps_are_as_exact_as_their_sum(study: vo.Study) -> None:
    first = study.sql(SQL, rho="0.01").run()
    price = first.preview_top_up(rho="0.03")
    spent = study.budget.to_dict()["spent"]
    better = first.top_up(rho="0.03")
    at_once = study.sql(SQL, rho="0.04").preview().errors["n"]
    assert price.errors["n"] == pytest.approx(at_once, rel=0.02)
    assert width(better) / 2 == pytest.approx(at_once, rel=0.02)
    assert width(better) == pytest.approx(width(first) / 2, rel=0.05)
    assert better.columns == first.columns
    assert better.to_dict()["site"] == first.to_dict()["site"]
    # Noise of this size is beyond the exact counts once in far more than a million runs.
    assert abs(sum(better["n"].value[:3]) - 800) < 200
    paid = study.budget.to_dict()["spent"]
    assert float(paid["rho"]) - float(spent["rho"]) == pytest.approx(0.03, rel=1e-3)


def test_the_same_top_up_is_a_replay(study: vo.Study) -> None:
    first = study.sql(SQL, rho="0.01").run()
    better = first.top_up(rho="0.01")
    paid = study.budget.to_dict()["spent"]
    again = study.sql(SQL, rho="0.01").run().top_up(rho="0.01")
    assert again.replayed
    assert again.release == better.release
    assert again.to_arrow(intervals=True).equals(better.to_arrow(intervals=True))
    assert study.budget.to_dict()["spent"] == paid
    entry = first.receipt["charge"]
    assert [part["charge"] for part in better.receipt["combined"]] == [entry]
    assert better.footer.endswith(f"; release {better.release}, the mean of it and {entry}")
    assert "combined" not in first.receipt


def test_a_top_up_of_a_top_up(study: vo.Study) -> None:
    """Three equal steps: each interval is narrower, the last by the root of three."""
    steps = [study.sql(SQL, rho="0.01").run()]
    for _ in range(2):
        steps.append(steps[-1].top_up(rho="0.01"))
    assert width(steps[2]) == pytest.approx(width(steps[0]) / 3**0.5, rel=0.05)
    assert len(steps[2].receipt["combined"]) == 2
    assert len(study.budget.charges) == 3


def test_a_built_question_is_topped_up(study: vo.Study) -> None:
    """Also one with options, learned keys and a computed column."""
    built = (
        study.table("visits")
        .group_by("ward")
        .agg(n=vo.count_units(), each=vo.sum("cost") / vo.count())
    )
    first = built.options(max_rows_per_group=1).share("20%").run()
    better = first.top_up(share="20%")
    assert better.to_dict()["ward"] == first.to_dict()["ward"] == ["ward 0", "ward 1"]
    assert width(better, "each") < width(first, "each")


def test_refused_top_ups(study: vo.Study, golden: Golden) -> None:
    first = study.sql(SQL, rho="0.01").run()
    median = study.sql("SELECT MEDIAN(cost) AS m FROM visits", rho="0.01").run()
    paid = study.budget.to_dict()
    bad: dict[str, Callable[[], object]] = {
        "no price": first.top_up,
        "several prices": lambda: first.top_up(rho="0.01", share="1%"),
        "a price that is none": lambda: first.top_up(epsilon=-1),
        "a quantile": lambda: median.top_up(share="1%"),
        "too dear": lambda: first.top_up(epsilon=9),
    }
    lines = []
    for name, ask in bad.items():
        with pytest.raises(vo.VoilageError) as caught:
            ask()
        text = str(caught.value).replace(median.release, "ENTRY-HASH")
        lines.append(f"--- {name}\n{type(caught.value).__name__}: {text}")
    golden.check("top_ups", "\n".join(lines))
    assert study.budget.to_dict() == paid
