"""Small pieces of HTML that look right on light and on dark pages, without styles from outside."""

from __future__ import annotations

ACCENT = "#2a78b8"
ALARM = "#c4452c"
COST = "#e0912f"
LINE = "rgba(128,128,128,.35)"
MUTED = "opacity:.65"
SMALL = "font-size:85%"
ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"}


def escape(text: object) -> str:
    """Return text with the characters that mean something in HTML replaced.

    >>> escape('<b title="x">')
    '&lt;b title=&quot;x&quot;&gt;'
    """
    return "".join(ESCAPED.get(letter, letter) for letter in str(text))


def printable(text: object) -> str:
    """Return text without control characters and without letters that turn a line around."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in str(text))


def muted(text: object) -> str:
    """Return text that stands back."""
    return f'<span style="{MUTED}">{escape(text)}</span>'


def cell(content: str, *, head: bool = False, right: bool = False, extra: str = "") -> str:
    """Return one cell of a table; the content is HTML already."""
    tag = "th" if head else "td"
    side = "right" if right else "left"
    style = f"text-align:{side};vertical-align:top;padding:3px 9px;{extra}"
    return f'<{tag} style="{style}">{content}</{tag}>'


def bar(parts: list[tuple[float, str]], label: str) -> str:
    """Return a bar of parts of the whole, each with its colour, from left to right."""
    filled = "".join(
        f'<div style="background:{colour};width:{max(0.0, min(1.0, part)) * 100:.2f}%"></div>'
        for part, colour in parts
    )
    return (
        f'<div role="img" aria-label="{escape(label)}" style="display:flex;overflow:hidden;'
        f"background:rgba(128,128,128,.2);border-radius:4px;height:10px;width:320px;"
        f'max-width:100%;margin:4px 0">{filled}</div>'
    )


def card(title: str, body: str) -> str:
    """Return a framed block with a title; both are HTML already."""
    return (
        '<div class="voilage-card" style="display:inline-block;box-sizing:border-box;'
        f"max-width:100%;overflow-x:auto;border:1px solid {LINE};border-radius:8px;"
        'padding:12px 16px;line-height:1.45">'
        f'<div style="margin-bottom:6px">{title}</div>{body}</div>'
    )


def heading(text: str) -> str:
    """Return the small title of a part of a card."""
    style = f"{SMALL};font-weight:600;margin:10px 0 2px;border-top:1px solid {LINE};padding-top:8px"
    return f'<div style="{style}">{escape(text)}</div>'


def facts(pairs: list[tuple[str, str]]) -> str:
    """Return names and values as a table without lines; the values are HTML already."""
    rows = "".join(
        '<tr style="background:none">'
        f"{cell(muted(name), extra='padding:1px 14px 1px 0;white-space:nowrap')}"
        f"{cell(value, extra='padding:1px 0')}</tr>"
        for name, value in pairs
    )
    return f'<table style="border:none;margin:2px 0">{rows}</table>'


def grid(head: list[str], rows: list[list[str]], *, right: frozenset[int] = frozenset()) -> str:
    """Return a plain table; cells are HTML already, and columns of numbers stand to the right."""

    def line(cells: list[str], *, is_head: bool) -> str:
        texts = (
            cell(
                muted(content) if is_head else content,
                head=is_head,
                right=column in right,
                extra=f"padding:2px 14px 2px 0;{f'font-weight:normal;{SMALL}' if is_head else ''}",
            )
            for column, content in enumerate(cells)
        )
        return f'<tr style="background:none">{"".join(texts)}</tr>'

    body = "".join(line(row, is_head=False) for row in rows)
    top = f"<thead>{line(head, is_head=True)}</thead>" if any(head) else ""
    return f'<table style="border:none;margin:2px 0">{top}<tbody>{body}</tbody></table>'


def details(summary: str, body: str) -> str:
    """Return a block that opens on demand; the body is HTML already."""
    return (
        f'<details style="{SMALL};margin-top:8px"><summary style="cursor:pointer">'
        f"{escape(summary)}</summary>{body}</details>"
    )
