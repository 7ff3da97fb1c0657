"""How the package itself refuses: the same form as the engine's messages."""

from __future__ import annotations

from collections.abc import Iterable

from voilage._native import FixQuery


def fix_query(problem: str, fix: str) -> FixQuery:
    """Return the exception that says what is wrong and what to write instead."""
    return FixQuery(f"{problem}\n  fix: {fix}")


def suggestion(wrong: str, known: Iterable[str]) -> str:
    """Return the fix for a name that does not exist: the nearest one, or all of them."""
    import difflib  # noqa: PLC0415  (only when something is wrong)

    names = list(known)
    near = difflib.get_close_matches(wrong, names, n=1)
    if near:
        return f"did you mean {near[0]}?"
    return f"use one of: {', '.join(names)}" if names else "there is none yet"
