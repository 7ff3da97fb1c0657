"""Intervals, their arithmetic, and the digits that are shown of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import voilage as vo
from voilage._number import is_small, place_of, show, show_error, show_interval
from voilage._values import Values

FINITE = st.floats(min_value=-1e9, max_value=1e9)


@st.composite
def columns(draw: st.DrawFn, name: str) -> tuple[Values, float]:
    """A column of one row, and an exact answer that its interval holds."""
    low, exact, high = sorted(draw(st.tuples(FINITE, FINITE, FINITE)))
    value = draw(st.floats(min_value=low, max_value=high))
    return Values(name, [value], [low], [high], frozenset({(0, name)})), exact


@given(columns("a"), columns("b"))
def test_the_exact_answer_stays_inside(
    left: tuple[Values, float], right: tuple[Values, float]
) -> None:
    (a, exact_a), (b, exact_b) = left, right
    results = [
        (a + b, exact_a + exact_b),
        (a - b, exact_a - exact_b),
        (a * b, exact_a * exact_b),
        (2 - a, 2 - exact_a),
        (-3 * a, -3 * exact_a),
        (a - a, 0.0),
    ]
    if exact_b != 0 and math.isfinite(1 / exact_b):
        results.append((a / b, exact_a / exact_b))
        results.append((1 / b, 1 / exact_b))
    for result, exact in results:
        slack = 1e-9 * max(1.0, abs(exact), abs(result.low[0]), abs(result.high[0]))
        slack = slack if math.isfinite(slack) else 0.0
        assert result.low[0] - slack <= exact <= result.high[0] + slack


def test_confidence_counts_each_column_once() -> None:
    a = Values("a", [1.0], [0.5], [1.5], frozenset({(0, "a")}))
    b = Values("b", [2.0], [1.5], [2.5], frozenset({(0, "b")}))
    assert a.confidence == 0.95
    assert (a + 1).confidence == (a + a).confidence == 0.95
    assert (a / b).confidence == ((a + b) * a).confidence == 0.9
    assert "at least 90%" in repr(a / b)


def test_results_that_are_gone_are_not_taken_for_one(study: vo.Study) -> None:
    """Two columns of one name count twice, although the memory of the first may be the second's."""

    def visits(least: int) -> Values:
        sql = f"SELECT COUNT(*) AS n FROM visits WHERE cost >= {least}"
        return study.sql(sql, rho="0.001").run()["n"]

    for least in range(4):
        assert (visits(least) - visits(least + 1)).confidence == 0.9


def test_rows_are_combined_by_their_keys(study: vo.Study) -> None:
    sql = "SELECT site, COUNT(*) AS n FROM visits WHERE site IS NOT NULL GROUP BY site"
    up = study.sql(f"{sql} ORDER BY site", rho="0.01").run()["n"]
    down = study.sql(f"{sql} ORDER BY site DESC", rho="0.01").run()["n"]
    with pytest.raises(vo.FixQuery, match="other group keys, or another order"):
        _ = up - down
    alone = study.sql("SELECT site, COUNT(*) AS n FROM visits GROUP BY site", rho="0.01").run()
    with pytest.raises(vo.FixQuery, match="3 rows and n 4"):
        _ = up - alone["n"]
    shown = repr(up / 100)
    assert [line.split()[0] for line in shown.splitlines()[2:5]] == ["1", "2", "3"]
    assert "[intervals hold with at least 95%]" in shown
    assert "<table" in (up / 100)._repr_html_()
    assert (1 + up - up).value == [1, 1, 1]


def test_numbers_of_numpy_are_numbers() -> None:
    a = Values("a", [1.0], [0.5], [1.5], frozenset({(0, "a")}))
    twos: list[Any] = [np.float64(2), np.int64(2), np.float32(2)]
    for two in twos:
        for twice in (a * two, two * a):
            assert isinstance(twice, Values)
            assert (twice.value, twice.low, twice.high) == ([2.0], [1.0], [3.0])
        assert (two - a).high == [1.5]
        assert (two / a).confidence == 0.95
        assert (two * vo.col("x")).sql_text in {'(2 * "x")', '(2.0 * "x")'}
        assert (vo.col("x") < two).sql_text in {'("x" < 2)', '("x" < 2.0)'}
        assert (two > vo.col("x")).sql_text in {'("x" < 2)', '("x" < 2.0)'}
        assert "COUNT(*) * 2" in repr(two * vo.count())


def test_a_denominator_that_may_be_zero_says_nothing() -> None:
    a = Values("a", [1.0], [1.0], [1.0], frozenset())
    b = Values("b", [0.5], [-1.0], [2.0], frozenset())
    assert ((a / b).low, (a / b).high) == ([-math.inf], [math.inf])


def test_columns_of_a_result(study: vo.Study) -> None:
    counts = "COUNT(*) AS visits, COUNT(DISTINCT person) AS people"
    sql = f"SELECT site, {counts} FROM visits GROUP BY site"
    result = study.sql(sql, epsilon=2).run()
    each = result["visits"] / result["people"]
    assert len(each) == 4
    # Everybody has two rows, and the noise is some 2% at 130 people.
    for value, low, high in list(each)[:3]:
        assert low < value < high
        assert abs(value - 2) < 0.6
    with pytest.raises(vo.FixQuery, match="group key, or computed"):
        result["site"]
    with pytest.raises(vo.FixQuery, match="did you mean people"):
        result["peple"]
    with pytest.raises(TypeError, match="columns and numbers"):
        result["people"] + "1"  # type: ignore[operator]


def test_what_is_computed_in_sql_is_not_taken_for_exact(study: vo.Study) -> None:
    """A column without an interval must not enter arithmetic as if it had no noise."""
    result = study.sql("SELECT COUNT(*) AS n, COUNT(*) > 5 AS many FROM visits", epsilon=1).run()
    with pytest.raises(vo.FixQuery):
        result["many"]


@given(FINITE, st.floats(min_value=1e-6, max_value=1e6), st.booleans())
def test_shown_ends_hold_the_interval(value: float, half: float, whole: bool) -> None:
    assume(half > 1e-9 * abs(value))  # below that, doubles end before the digits do
    low, high = value - half, value + half
    shown = [float(text.replace(",", "")) for text in show_interval(value, low, high, whole=whole)]
    assert shown[1] <= low
    assert shown[2] >= high
    # No digit beyond the second one of the half-width, and none lost before it.
    step = max(10.0 ** place_of(half), 1.0 if whole else 0.0)
    assert abs(shown[0] - value) <= step / 2 * 1.0001
    assert shown[2] - high <= step * 1.0001


@given(st.floats(min_value=1e-9, max_value=1e12))
def test_shown_errors_promise_nothing(error: float) -> None:
    shown = float(show_error(error).replace(",", ""))
    assert error * (1 - 1e-12) <= shown <= error * 1.11


def test_minus_zero_is_not_shown() -> None:
    assert show(-0.4, 0) == "0"


def test_small_values() -> None:
    assert is_small(10, 5, 15)
    assert not is_small(10, 5.1, 14.9)
    assert is_small(0, -1, 1)
    assert is_small(-10, -16, -4)
    assert not is_small(-100, -106, -94)
