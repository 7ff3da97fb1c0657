"""How people write a privacy loss, and the text that the engine's grammar reads."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import SupportsIndex, TypeAlias

from voilage._errors import fix_query

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


@dataclass(frozen=True, slots=True)
class Price:
    """What a question may cost, in the words of the person who asks."""

    epsilon: str | None = None
    rho: str | None = None
    share: str | None = None

    @classmethod
    def of(cls, epsilon: LossInput | None, rho: LossInput | None, share: LossInput | None) -> Price:
        """Return the price that is said in one of three ways, or in none."""
        if [epsilon, rho, share].count(None) < 2:
            raise fix_query(
                "say once what the question may cost",
                'give exactly one of epsilon, rho and share, for example epsilon="0.5"',
            )
        return cls(
            epsilon=loss_text("epsilon", epsilon),
            rho=loss_text("rho", rho),
            share=loss_text("share", share),
        )

    def __str__(self) -> str:
        if self.share is not None:
            return f"a share of {self.share}"
        if self.rho is not None:
            return f"rho {self.rho}"
        return f"epsilon {self.epsilon}" if self.epsilon is not None else "the price it states"
