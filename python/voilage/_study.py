"""A project: its budget, and the place to ask questions."""

from __future__ import annotations

from typing import TypedDict

from voilage import _native
from voilage._loss import LossInput, loss_text
from voilage._query import Query


class Budget(TypedDict):
    """What a project was granted, has spent and has left; quantities are decimal strings."""

    project: str
    dataset: str
    accountant: str
    epsilon: str
    delta: str | None
    status: str
    cap: dict[str, str]
    spent: dict[str, str]
    left: dict[str, str]


class Study:
    """One project of a hub; made by :meth:`voilage.Hub.project`."""

    __slots__ = ("_native",)

    def __init__(self, native: _native.Study) -> None:
        self._native = native

    @property
    def name(self) -> str:
        """The project's name."""
        return self._native.name

    def budget(self) -> Budget:
        """Return the budget as the ledger has it now. Free.

        >>> study.budget()["left"]  # doctest: +SKIP
        {'rho': '0.21', 'delta': '0.00000005'}
        """
        return self._native.budget()

    def sql(
        self,
        sql: str,
        *,
        epsilon: LossInput | None = None,
        rho: LossInput | None = None,
        share: LossInput | None = None,
    ) -> Query:
        """Analyse and price a question. Reads no record and charges nothing.

        Say exactly one of `epsilon` (this statement alone is so private), `rho`, or `share` (of the
        project's budget, like ``"2%"``). A question that cannot be answered privately raises
        :class:`voilage.FixQuery` or :class:`voilage.PolicyRefused` with a rewrite.

        >>> query = study.sql("SELECT COUNT(DISTINCT zper) FROM rand_hie", share="2%")
        ... # doctest: +SKIP
        """
        return Query(
            self._native.sql(
                sql,
                epsilon=loss_text("epsilon", epsilon),
                rho=loss_text("rho", rho),
                share=loss_text("share", share),
            )
        )

    def __repr__(self) -> str:
        return f"<voilage.Study {self.name!r}>"
