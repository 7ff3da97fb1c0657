"""`%%voilage`: SQL in a notebook cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voilage._preview import Preview
    from voilage._result import Result


def load_ipython_extension(shell: Any) -> None:  # noqa: ANN401  (IPython is optional)
    """Add the `%%voilage` cell magic; `%load_ext voilage` calls this.

    >>> import voilage as vo
    >>> study = vo.demo().project("demo")  # then, in a notebook, after %load_ext voilage:
    ...                                    # %%voilage study --epsilon 0.5 --into people
    ...                                    # SELECT COUNT(DISTINCT person) AS people FROM visits
    """

    def voilage(line: str, cell: str) -> Preview | Result:
        from voilage._cell import run_cell  # noqa: PLC0415  (only in notebooks)

        return run_cell(line, cell, shell.user_ns)

    shell.register_magic_function(voilage, magic_kind="cell", magic_name="voilage")
