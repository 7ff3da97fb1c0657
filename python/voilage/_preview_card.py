"""The card of a price: what it costs, how exact the answer will be, and why."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from voilage._html import (
    ACCENT,
    ALARM,
    COST,
    MUTED,
    bar,
    card,
    details,
    escape,
    facts,
    grid,
    heading,
    muted,
)
from voilage._number import plain, show_error

VALUES_SHOWN = 8
ROUND = ", round "
FIRST_ROUND = f"{ROUND}1"


def preview_card(content: dict[str, Any]) -> str:
    """Return an explanation as HTML."""
    title = f"<b>Price of a question</b> {muted('free to ask: nothing was read or charged')}"
    boundaries = content["boundaries"]
    body = _price(content) + heading("Errors to expect, at 95%") + _errors(content)
    for index, boundary in enumerate(boundaries):
        several = f" {index + 1} of {len(boundaries)}" if len(boundaries) > 1 else ""
        body += heading(f"What is measured{several}")
        body += facts(_measured(boundary, content["unit"]))
    body += "".join(_warning(warning) for warning in content["warnings"])
    body += "".join(f"<div>{muted(note)}</div>" for note in content.get("notes", []))
    return card(title, body + details("noise, exactly", _noise(boundaries)))


def _price(content: dict[str, Any]) -> str:
    share, left = _part(content["share"]), content["left_after"]
    affordable = left.endswith("%")
    # Like a battery: what is left, the piece that this question takes off it, what is gone.
    parts = [(_part(left), ACCENT), (share, COST)] if affordable else [(share, ALARM)]
    after = (
        f"<b>{escape(left)}</b> is left afterwards"
        if affordable
        else f'<b style="color:{ALARM}">{escape(left)}</b>'
    )
    loss = ", ".join(f"{name} {_loss(text)}" for name, text in content["loss"].items())
    picture = bar(parts, f"{content['share']} of the budget; {left}")
    share_text = f"<b>{escape(content['share'])}</b>"
    marked = f'<span style="border-bottom:3px solid {parts[-1][1]}">{share_text}</span>'
    return f"{marked} of {escape(content['project'])}'s budget, {after}{picture}{muted(loss)}"


def _part(percent: str) -> float:
    return float(percent.rstrip("%")) / 100


def _loss(text: str) -> str:
    """Return four digits of a quantity; the rest is in to_dict()."""
    return text if len(text) <= 8 else f"{float(text):.4g}"


def _errors(content: dict[str, Any]) -> str:
    names = {(one["boundary"], one["output"]): one["name"] for one in content["columns"]}
    rows = []
    for at, boundary in enumerate(content["boundaries"]):
        for position, output in enumerate(boundary["outputs"]):
            name = names.get((at, position))
            shown = f"<b>{escape(name)}</b>" if name is not None else muted(output["name"])
            rows.append([shown, f"&plusmn;&nbsp;{show_error(output['error_95'])}", output["note"]])
    return grid(["", "", ""], [[name, error, muted(note)] for name, error, note in rows])


def _measured(boundary: dict[str, Any], unit: str) -> list[tuple[str, str]]:
    tables = (
        f"{escape(table['name'])} {muted(_whose(table))}".rstrip() for table in boundary["tables"]
    )
    pairs = [("reads", ", ".join(tables)), ("keys", _keys(boundary["keys"]))]
    for key in boundary["keys"]["columns"]:
        pairs.append(("", f"{escape(key['name'])}: {_range(key)}"))
    cells = boundary["keys"]["cells"]
    of = f" of {cells}" if cells is not None else ""
    rows, groups = boundary["max_rows_per_group"], boundary["max_groups"]
    sources = {boundary["max_groups_source"], boundary["max_rows_per_group_source"]}
    kept = f"at most {rows} rows in {groups}{of} groups" if cells != "1" else f"{rows} rows"
    if boundary["keys"]["kind"] == "none":
        kept = f"at most {rows} rows"
    pairs.append((f"each {unit}", f"{kept} {muted('; '.join(sorted(sources)))}"))
    least = boundary["keys"].get("min_units")
    if least is not None:
        source = muted(boundary["keys"]["min_units_source"])
        pairs.append(("shown", f"groups of {least} units or more {source}"))
    seen: list[str] = []
    for output in boundary["outputs"]:
        held = output["range"]
        text = "" if held is None else f"{escape(_columns(held))}: {_range(held)}"
        if text and text not in seen:
            seen.append(text)
            pairs.append(("values" if len(seen) == 1 else "", text))
    return pairs


def _whose(table: dict[str, Any]) -> str:
    return "(public)" if table["unit_column"] is None else f"(by {table['unit_column']})"


def _columns(held: dict[str, Any]) -> str:
    """Return the columns that values are computed from, or the aggregate's own name."""
    names = [source["column"].rpartition(".")[2] for source in held["sources"]]
    return ", ".join(dict.fromkeys(names)) or str(held["name"])


def _keys(keys: dict[str, Any]) -> str:
    if keys["kind"] == "none":
        return "none: one row for all"
    if keys["kind"] == "public":
        return f"public: all {escape(keys['cells'])} cells are shown, empty ones too"
    delta = _loss(keys["delta"])
    return (
        f"learned: a key shows where its noisy count of units reaches "
        f"<b>{escape(keys['threshold'])}</b>, which spends delta {escape(delta)} "
        f"{muted(keys['why'])}"
    )


def _range(held: dict[str, Any]) -> str:
    values, lower, upper = held["values"], held["lower"], held["upper"]
    if values is not None and len(values) > VALUES_SHOWN:
        text = f"{len(values)} values"
    elif values is not None:
        text = ", ".join(value.strip("'") for value in values)
    elif lower is not None and upper is not None:
        text = f"{lower} to {upper}"
    elif lower is not None:
        text = f"from {lower} up"
    elif upper is not None:
        text = f"up to {upper}"
    else:
        text = "anything"
    text += " or NULL" if held["nullable"] else ""
    words = list(dict.fromkeys(one["source"] for one in held["sources"] if one["source"]))
    return escape(text) + (f" {muted('; '.join(words))}" if words else "")


def _noise(boundaries: list[dict[str, Any]]) -> str:
    rows = [
        [
            escape(noisy["measure"].replace(FIRST_ROUND, ", each round")),
            escape(noisy["mechanism"].replace("_", " ")),
            escape(_scale(noisy["scale"])),
            escape(noisy["sensitivity"].replace(" x ", " \u00d7 ")),
        ]
        for boundary in boundaries
        for noisy in boundary["noisy"]
        if _is_first_round(noisy["measure"])
    ]
    return grid(["measured", "noise", "scale", "one unit's share"], rows, right=frozenset({2}))


def _is_first_round(measure: str) -> bool:
    """The rounds of a search have the same noise; the first stands for all."""
    before, between, number = measure.rpartition(ROUND)
    return not before or not between or number == "1"


def _scale(text: str) -> str:
    """Return six digits of an exact fraction; all of them are in to_dict()."""
    return plain(float(Fraction(text)))


def _warning(text: str) -> str:
    style = f"border-left:3px solid {ALARM};padding-left:8px;margin:8px 0 0"
    return f'<div style="{style}"><span style="{MUTED}">note</span> {escape(text)}</div>'
