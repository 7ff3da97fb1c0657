"""The cheapest price for a wanted error, found by comparing previews. Reads and spends nothing."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING

from voilage import _native
from voilage._errors import fix_query, suggestion
from voilage._loss import Price
from voilage._query import Query

if TYPE_CHECKING:
    from voilage._study import Study

CLOSE_ENOUGH = 1.002
"""The found price is at most this factor above the cheapest one."""
STEPS_MAX = 60
LOSS_MIN, LOSS_MAX = 1e-12, 1e6


class _Scale:
    """Prices as numbers: rho in a zcdp project, epsilon in a pure one."""

    def __init__(self, study: Study, sql: str, errors: dict[str, float]) -> None:
        self.study, self.sql, self.errors = study, sql, errors
        self.pure = study.budget.accountant == "pure"

    def query(self, loss: float) -> Query:
        text = f"{Decimal(f'{loss:.6e}'):f}"
        price = Price(epsilon=text) if self.pure else Price(rho=text)
        return self.study._priced(self.sql, price)

    def excess(self, loss: float) -> float:
        """Return how many times too large the worst error is; infinite if no noise can be that."""
        if not LOSS_MIN <= loss <= LOSS_MAX:
            return 0.0 if loss > LOSS_MAX else math.inf
        found = self.query(loss).preview().errors
        for name in self.errors:
            if name not in found:
                raise fix_query(
                    f"no column {name} of the result shows a released value unchanged, so its "
                    "error is not known beforehand",
                    suggestion(name, found),
                )
        return max(found[name] / wanted for name, wanted in self.errors.items())

    def guess(self, loss: float, excess: float) -> float:
        """Return the price at which the error would be right, were noise continuous."""
        return loss * (excess if self.pure else excess * excess)


def cheapest(study: Study, sql: str, errors: dict[str, float]) -> Query:
    """Return the question at the smallest loss for which every expected error is small enough."""
    if not errors:
        raise fix_query("with_error() names no column", "write for example with_error(people=25)")
    for name, wanted in errors.items():
        good = isinstance(wanted, int | float) and not isinstance(wanted, bool)
        if not (good and math.isfinite(wanted) and wanted > 0):
            raise fix_query(
                f"with_error({name}={wanted!r}) is no error", f"write with_error({name}=25)"
            )
    scale = _Scale(study, sql, errors)
    low, high = _bracket(scale)
    for _ in range(STEPS_MAX):
        if high / low <= CLOSE_ENOUGH:
            break
        middle = math.sqrt(low * high)
        if scale.excess(middle) <= 1:
            high = middle
        else:
            low = middle
    return scale.query(high)


def _bracket(scale: _Scale) -> tuple[float, float]:
    """Return a price that is too small and one that is enough."""
    loss = 1.0 if scale.pure else 0.01
    low, high = 0.0, math.inf
    for _ in range(STEPS_MAX):
        try:
            excess = scale.excess(loss)
        except _native.FixQuery:
            if low == 0.0 and high == math.inf:
                raise
            raise fix_query("no price gives so small an error", "ask for a larger error") from None
        if excess <= 1:
            high = min(high, loss)
            if low > 0.0:
                break
            loss = min(scale.guess(loss, max(excess, 1e-6)) / 1.1, loss / 2)
            if loss < LOSS_MIN:
                return high / CLOSE_ENOUGH, high
        else:
            low = max(low, loss)
            if high < math.inf:
                break
            loss = max(scale.guess(loss, min(excess, 1e6)) * 1.02, loss * 1.02)
            if loss > LOSS_MAX:
                raise fix_query("no price gives so small an error", "ask for a larger error")
    return low, high
