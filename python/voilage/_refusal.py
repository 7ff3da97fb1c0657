"""What a refused budget says: what it needs, what is left, and what would still fit."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING

from voilage import _native
from voilage._loss import Price
from voilage._number import show_error

if TYPE_CHECKING:
    from voilage._query import Query

DIGITS = 2


def explained_refusal(query: Query, refusal: _native.BudgetRefused) -> _native.BudgetRefused:
    """Return the refusal with the errors of today's wish and of what is still affordable.

    Where the project's own budget is not what stands in the way, the engine's words stay.
    """
    study = query._study
    budget, preview = study.budget, query.preview()
    if preview.affordable:
        return refusal
    shorter = _shorter(Decimal(budget.affordable_epsilon))
    lines = [
        f"{query.price} needs {preview.share} of {study.name}'s budget, {budget.left_share} is "
        "left. Nothing was spent."
    ]
    if shorter <= 0:
        lines.append("  fix: no further question is affordable; ask an administrator for more")
        return _native.BudgetRefused("\n".join(lines))
    affordable = f"{shorter:f}"
    cheaper = study._priced(query.sql_text, Price(epsilon=affordable), query._release)
    errors = cheaper.preview().errors
    changes = ", ".join(
        f"{name}: +-{show_error(now)} becomes +-{show_error(errors[name])}"
        for name, now in preview.errors.items()
        if name in errors
    )
    lines[0] += f" The largest single epsilon still affordable is {affordable}"
    lines[0] += f" ({changes})" if changes else ""
    lines.append(f"  fix: ask with epsilon={affordable}, or ask an administrator for more budget")
    return _native.BudgetRefused("\n".join(lines))


def _shorter(epsilon: Decimal) -> Decimal:
    """Return at most two digits of a quantity, rounded down."""
    if epsilon <= 0:
        return Decimal(0)
    place = Decimal(1).scaleb(epsilon.adjusted() - DIGITS + 1)
    return epsilon.quantize(place, rounding=ROUND_FLOOR).normalize()
