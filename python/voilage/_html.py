"""Small pieces of HTML that look right on light and on dark pages, without styles from outside."""

from __future__ import annotations

import html

ACCENT = "#2a78b8"
MUTED = "opacity:.65"
SMALL = "font-size:85%"


def escape(text: object) -> str:
    """Return text with the characters that mean something in HTML replaced."""
    return html.escape(str(text), quote=True)


def printable(text: object) -> str:
    """Return text without control characters and without letters that turn a line around."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in str(text))


def cell(content: str, *, head: bool = False, right: bool = False, extra: str = "") -> str:
    """Return one cell of a table; the content is HTML already."""
    tag = "th" if head else "td"
    side = "right" if right else "left"
    style = f"text-align:{side};vertical-align:top;padding:3px 9px;{extra}"
    return f'<{tag} style="{style}">{content}</{tag}>'


def bar(part: float, label: str) -> str:
    """Return a bar that is filled to `part`, between 0 and 1."""
    filled = max(0.0, min(1.0, part)) * 100
    return (
        f'<div role="img" aria-label="{escape(label)}" style="background:rgba(128,128,128,.25);'
        'border-radius:4px;height:10px;width:260px;overflow:hidden">'
        f'<div style="background:{ACCENT};width:{filled:.1f}%;height:10px"></div></div>'
    )


def card(title: str, body: str) -> str:
    """Return a framed block with a title; both are HTML already."""
    return (
        '<div class="voilage-card" style="display:inline-block;border:1px solid '
        'rgba(128,128,128,.4);border-radius:6px;padding:10px 14px;line-height:1.45">'
        f'<div style="font-weight:600;margin-bottom:6px">{title}</div>{body}</div>'
    )


def facts(pairs: list[tuple[str, str]]) -> str:
    """Return names and values as a table without lines; the values are HTML already."""
    rows = "".join(
        f'<tr style="background:none">{cell(escape(name), extra=f"{MUTED};padding:1px 12px 1px 0")}'
        f"{cell(value, extra='padding:1px 0')}</tr>"
        for name, value in pairs
    )
    return f'<table style="border:none;margin:4px 0">{rows}</table>'
