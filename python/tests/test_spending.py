"""Nothing but run() spends, and the same question is paid once."""

from __future__ import annotations

import voilage

SQL = (
    "SELECT site, COUNT(DISTINCT person) AS people "
    "FROM visits WHERE site IS NOT NULL GROUP BY site ORDER BY site"
)


def test_preview_is_free(study: voilage.Study) -> None:
    before = study.budget.to_dict()
    preview = study.sql(SQL, epsilon=0.5).preview()
    assert repr(preview)
    assert "voilage-card" in preview._repr_html_()
    assert preview.to_dict()
    assert study.budget.to_dict() == before


def test_a_repr_does_not_spend(hub: voilage.Hub, study: voilage.Study) -> None:
    before = study.budget.to_dict()
    query = study.sql(SQL, epsilon=0.5)
    assert "run() charges" in repr(query)
    assert "costs" in repr(study)
    assert "hub.toml" in repr(hub)
    assert study.budget.to_dict() == before


def test_the_second_run_replays_without_a_charge(study: voilage.Study) -> None:
    unspent = study.budget.to_dict()
    first = study.sql(SQL, epsilon=0.5).run()
    paid = study.budget.to_dict()
    assert paid["spent"] != unspent["spent"]
    assert not first.replayed

    second = study.sql(SQL, epsilon=0.5).run()
    assert second.replayed
    assert study.budget.to_dict()["spent"] == paid["spent"]
    assert study.budget.charges[0].replays == 1
    assert second.receipt == first.receipt
    assert second.to_arrow(intervals=True).equals(first.to_arrow(intervals=True))


def test_reading_a_result_does_not_spend(study: voilage.Study) -> None:
    result = study.sql(SQL, epsilon=0.5).run()
    paid = study.budget.to_dict()
    assert "people" in repr(result)
    assert "cost " in repr(result)
    assert "<table" in result._repr_html_()
    assert result.receipt["project"] == "costs"
    assert len(result) == 3
    result.to_pandas()
    assert study.budget.to_dict() == paid
