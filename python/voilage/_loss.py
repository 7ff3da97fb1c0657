"""How people write a privacy loss, and the text that the engine's grammar reads."""

from __future__ import annotations

from decimal import Decimal
from typing import SupportsIndex, TypeAlias

LossInput: TypeAlias = str | float | Decimal | SupportsIndex
"""A loss as text, integer, float (taken by its repr) or decimal."""


def loss_text(name: str, value: LossInput | None) -> str | None:
    """Return the exact text of a loss.

    Whether it is a sensible loss is for the engine to say: nothing is rounded or refused here but
    things that are no numbers at all.

    >>> loss_text("epsilon", 0.1)
    '0.1'
    >>> loss_text("epsilon", Decimal("1E-7"))
    '1e-7'
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return str(value).lower()
    # The base class's repr: that of numpy's floats is not a number.
    if isinstance(value, float):
        return float.__repr__(value)
    if isinstance(value, SupportsIndex) and not isinstance(value, bool):
        return str(value.__index__())
    raise TypeError(
        f"{name} must be a str, int, float or Decimal, not {type(value).__name__}\n"
        f"  fix: write for example {_EXAMPLES[name]}"
    )


_EXAMPLES = {
    "epsilon": 'epsilon="0.5"',
    "rho": 'rho="0.01"',
    "share": 'share="2%"',
    "delta": 'delta="1e-6"',
}
