"""What a line like `%%voilage study --epsilon 0.5` says, and what its cell answers."""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING, Any, NoReturn

from voilage._errors import fix_query
from voilage._study import Study

if TYPE_CHECKING:
    from voilage._preview import Preview
    from voilage._result import Result

USAGE = "%%voilage STUDY --epsilon 0.5 [--into NAME] [--preview]"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise fix_query(f"%%voilage: {message}", f"write {USAGE}")


def _parser() -> _Parser:
    parser = _Parser(prog="%%voilage", add_help=False)
    parser.add_argument("study")
    parser.add_argument("--epsilon")
    parser.add_argument("--rho")
    parser.add_argument("--share")
    parser.add_argument("--into")
    parser.add_argument("--preview", action="store_true")
    return parser


def run_cell(line: str, cell: str, names: dict[str, Any]) -> Preview | Result:
    """Answer the cell's SQL for the study that the line names; `--preview` only prices it."""
    arguments = _parser().parse_args(shlex.split(line))
    study = names.get(arguments.study)
    if not isinstance(study, Study):
        known = sorted(name for name, item in names.items() if isinstance(item, Study))
        raise fix_query(
            f"%%voilage: {arguments.study} is no study",
            f"use one of: {', '.join(known)}" if known else "make one: study = hub.project(..)",
        )
    query = study.sql(cell, epsilon=arguments.epsilon, rho=arguments.rho, share=arguments.share)
    shown = query.preview() if arguments.preview else query.run()
    if arguments.into:
        names[arguments.into] = shown
    return shown
