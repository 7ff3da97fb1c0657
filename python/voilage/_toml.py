"""The little TOML that a hub file needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

ESCAPED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def text(value: str) -> str:
    r"""Return a basic string.

    >>> print(text('say "no"'))
    "say \"no\""
    """
    letters = (
        ESCAPED.get(letter) or (letter if letter.isprintable() else f"\\U{ord(letter):08x}")
        for letter in value
    )
    return f'"{"".join(letters)}"'


def value(item: object) -> str:
    """Return a string, integer, truth value, list or inline table.

    >>> value({"type": "int64", "values": [1, 2]})
    '{ type = "int64", values = [1, 2] }'
    """
    if isinstance(item, str):
        return text(item)
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, int):
        return str(item)
    if isinstance(item, Mapping):
        pairs = ", ".join(f"{key} = {value(part)}" for key, part in item.items())
        return f"{{ {pairs} }}"
    if isinstance(item, Sequence):
        return f"[{', '.join(value(part) for part in item)}]"
    raise TypeError(f"{type(item).__name__} has no place in a hub file")


def section(name: str, pairs: Mapping[str, object]) -> str:
    """Return a section with its keys.

    >>> print(section("hub", {"ledger": "ledger.sqlite"}), end="")
    [hub]
    ledger = "ledger.sqlite"
    """
    lines = [f"[{name}]", *(f"{key} = {value(item)}" for key, item in pairs.items())]
    return "\n".join(lines) + "\n"
