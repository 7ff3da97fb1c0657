"""What follows from answers that were paid for is offered for nothing, and taken on request."""

from __future__ import annotations

import pytest

import voilage as vo


def test_a_cube_answers_its_margins(study: vo.Study) -> None:
    visits = study.table("visits")
    cube = visits.group_by("site", dear=vo.col("cost") > 50).agg(n=vo.count(), sum=vo.sum("cost"))
    margin = visits.group_by("site").agg(n=vo.count(), sum=vo.sum("cost")).share("10%")
    before = margin.free
    assert before is None
    with pytest.raises(vo.FixQuery, match=r"no free answer follows(.|\n)*without free=True"):
        margin.run(free=True)
    released = cube.share("10%").run()
    paid = study.budget.to_dict()["spent"]
    offer = margin.free
    assert offer is not None
    assert offer.release == released.release
    assert offer.errors["n"] > margin.preview().errors["n"]
    assert "instead of" in repr(offer)
    result = margin.run(free=True)
    assert study.budget.to_dict()["spent"] == paid
    assert result.footer.startswith(f"free: follows from release {released.release}, and nothing")
    parts = dict.fromkeys([1, 2, 3, None], 0)
    for site, count in zip(released.to_dict()["site"], released["n"].value, strict=True):
        parts[site] += int(count)
    assert dict(zip(result.to_dict()["site"], result["n"].value, strict=True)) == parts
    assert study.budget.charges[-1].replays == 1


def test_without_a_price_and_at_another(study: vo.Study) -> None:
    sql = "SELECT site, COUNT(*) AS n FROM visits GROUP BY site"
    first = study.sql(sql, rho="0.01").run()
    again = study.sql(sql)
    assert again.free is not None
    assert "instead of" not in repr(again.free)
    assert again.run(free=True).to_arrow().equals(first.to_arrow())
    assert len(study.budget.charges) == 1


def test_nothing_is_free_about_other_people(study: vo.Study) -> None:
    study.table("visits").group_by("site").agg(n=vo.count()).share("10%").run()
    others = study.table("visits").filter(vo.col("cost") > 50).group_by("site")
    assert others.agg(n=vo.count()).share("10%").free is None
    assert study.table("visits").agg(people=vo.count_units()).share("1%").free is None
