"""Brings docstrings into the site's form: examples in fences, names as code."""

from __future__ import annotations

import re
from typing import Any

import griffe

ROLE = re.compile(r":[a-z]+:`([^`]+)`")


class Fences(griffe.Extension):  # type: ignore[misc]  # installed for the site alone
    """Rewrites each docstring; used by mkdocs.yml."""

    def on_object(self, *, obj: griffe.Object, **_others: Any) -> None:  # noqa: ANN401
        """Rewrite one docstring."""
        if obj.docstring is not None:
            obj.docstring.value = fenced(ROLE.sub(r"`\1`", obj.docstring.value))


def fenced(text: str) -> str:
    """Return a docstring whose examples stand in fences; an example ends with an empty line."""
    lines, inside = [], False
    for line in text.splitlines():
        if line.startswith(">>>") and not inside:
            lines.append("```pycon")
            inside = True
        elif inside and not line.strip():
            lines.append("```")
            inside = False
        lines.append(line)
    return "\n".join([*lines, "```"] if inside else lines)
