"""Numbers as people read them: no more digits than the noise leaves meaning in."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

DIGITS_OF_NOISE = 2
"""An interval's half-width is shown with so many digits, and its value down to the same place."""

SMALL_FROM = 0.5
"""A value is too small to trust when its half-width is at least this part of it."""


def place_of(half_width: float) -> int:
    """Return the decimal place (as a power of ten) of the last digit that means something.

    >>> place_of(27.3), place_of(0.0513), place_of(1234)
    (0, -3, 2)
    """
    if not math.isfinite(half_width) or half_width <= 0:
        return -6
    return math.floor(math.log10(half_width)) - (DIGITS_OF_NOISE - 1)


def show(value: float, place: int, rounding: str = ROUND_HALF_EVEN) -> str:
    """Return the value rounded to a power of ten, with commas between thousands.

    >>> show(12345.6, 2), show(0.98765, -3), show(-7, 0)
    ('12,300', '0.988', '-7')
    """
    if not math.isfinite(value):
        return str(value)
    exact = Decimal(repr(float(value)))
    rounded = (exact / Decimal(10) ** place).to_integral_value(rounding) * Decimal(10) ** place
    if rounded == 0:
        rounded = abs(rounded)
    return f"{rounded:,.{max(0, -place)}f}"


def show_interval(value: float, low: float, high: float, *, whole: bool) -> tuple[str, str, str]:
    """Return a value and its ends to the meaningful place; the ends are rounded outwards.

    >>> show_interval(1153.0, 1139.0, 1167.0, whole=True)
    ('1,153', '1,139', '1,167')
    >>> show_interval(166.84, 152.3, 181.4, whole=False)
    ('167', '152', '182')
    >>> show_interval(57.468352, float("-inf"), float("inf"), whole=False)
    ('57', '-inf', 'inf')
    """
    if math.isfinite(value) and not math.isfinite(high - low):
        place = place_of(abs(value))
    else:
        place = place_of((high - low) / 2)
    if whole:
        place = max(place, 0)
    return (
        show(value, place),
        show(low, place, ROUND_FLOOR),
        show(high, place, ROUND_CEILING),
    )


def show_error(error: float) -> str:
    """Return an error with two meaningful digits, rounded up so that it promises nothing.

    >>> show_error(90.0), show_error(14.61), show_error(0.0519), show_error(1234)
    ('90', '15', '0.052', '1,300')
    """
    place = place_of(error)
    return show(error, min(place, 2) if error < 1000 else place, ROUND_CEILING)


def plain(value: float) -> str:
    """Return a number without an interval in at most six digits.

    >>> plain(3.0), plain(0.123456789), plain(1234567.0)
    ('3', '0.123457', '1,234,567')
    """
    if value == int(value) and abs(value) < 10**15 if math.isfinite(value) else False:
        return f"{int(value):,}"
    return f"{value:.6g}"


def percent(part: Decimal, whole: Decimal, *, up: bool) -> str:
    """Return a share in percent: what was spent is rounded up, what is left down.

    >>> percent(Decimal("0.0123"), Decimal("0.1"), up=True)
    '12.30%'
    """
    if whole == 0:
        return "0.00%"
    hundredths = (part * 10_000 / whole).to_integral_value(ROUND_CEILING if up else ROUND_FLOOR)
    return f"{hundredths / 100:.2f}%"


def is_small(value: float, low: float, high: float) -> bool:
    """Return whether a value is too small against its noise to be trusted.

    >>> is_small(10.0, 4.0, 16.0), is_small(100.0, 94.0, 106.0)
    (True, False)
    """
    return (high - low) / 2 >= SMALL_FROM * abs(value)
