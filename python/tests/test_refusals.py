"""Each refusal is the exception of its kind, says the fix, and spends nothing."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

import voilage
from voilage._loss import LossInput, loss_text

SQL = "SELECT COUNT(DISTINCT person) AS people FROM visits"


@pytest.mark.parametrize("name", ["epsilon", "rho"])
@pytest.mark.parametrize(
    "value", ["NaN", float("nan"), -1, "-1", 0, "0", 1e308, "1e308", float("inf"), Decimal("NaN")]
)
def test_bad_losses(study: voilage.Study, name: str, value: LossInput) -> None:
    before = study.budget.to_dict()
    with pytest.raises(voilage.FixQuery):
        study.sql(SQL, **{name: value}).run()
    assert study.budget.to_dict() == before


@pytest.mark.parametrize("value", [True, object(), [0.5]])
def test_things_that_are_no_numbers(study: voilage.Study, value: LossInput) -> None:
    with pytest.raises(TypeError, match="epsilon must be"):
        study.sql(SQL, epsilon=value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0.50", "0.50"),
        (1, "1"),
        (0.1, "0.1"),
        (1e-7, "1e-07"),
        (Decimal("1E-7"), "1e-7"),
        (np.float64(0.1), "0.1"),
        (np.int64(1), "1"),
    ],
)
def test_losses_keep_their_text(value: LossInput, text: str) -> None:
    assert loss_text("epsilon", value) == text


def test_one_loss_here_or_in_the_question(study: voilage.Study) -> None:
    with pytest.raises(voilage.FixQuery, match="no price yet"):
        study.sql(SQL).run()
    with pytest.raises(voilage.FixQuery):
        study.sql(SQL, epsilon=1, rho="0.01")
    with pytest.raises(voilage.FixQuery) as caught:
        study.sql(SQL, epsilon=1, share="1%")
    assert caught.type is voilage.FixQuery
    stated = SQL.replace("SELECT", "SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 0.5)", 1)
    study.sql(stated)
    with pytest.raises(voilage.FixQuery, match="said twice"):
        study.sql(stated, epsilon=1)


def test_unknown_project_names_the_nearest(hub: voilage.Hub) -> None:
    with pytest.raises(voilage.FixQuery, match="costs"):
        hub.project("cost")


def test_unknown_column_names_the_nearest(study: voilage.Study) -> None:
    with pytest.raises(voilage.FixQuery, match="cost"):
        study.sql("SELECT AVG(cosst) FROM visits", epsilon=1)


def test_missing_hub(tmp_path: Path) -> None:
    with pytest.raises(voilage.FixQuery, match="fix:"):
        voilage.open(tmp_path / "absent.toml")


def test_budget_refused(study: voilage.Study) -> None:
    before = study.budget.to_dict()
    with pytest.raises(voilage.BudgetRefused):
        study.sql(SQL, epsilon=100).run()
    assert study.budget.to_dict() == before


@pytest.mark.parametrize("name", ["FixQuery", "BudgetRefused", "PolicyRefused", "TryAgain", "Bug"])
def test_one_base_class(name: str) -> None:
    kind = getattr(voilage, name)
    assert issubclass(kind, voilage.VoilageError)
    assert kind.__module__ == "voilage"
