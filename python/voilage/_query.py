"""A priced question that has not been paid for."""

from __future__ import annotations

from voilage import _native
from voilage._result import Result


class Query:
    """A question at a price; made by :meth:`voilage.Study.sql`. Only :meth:`run` spends."""

    __slots__ = ("_native",)

    def __init__(self, native: _native.Query) -> None:
        self._native = native

    @property
    def sql(self) -> str:
        """The text of the question."""
        return self._native.sql

    def preview(self) -> _native.Preview:
        """Return what the question costs and how exact its answer will be. Free.

        >>> query.preview()  # doctest: +SKIP
        >>> query.preview().to_dict()  # doctest: +SKIP
        """
        return self._native.preview()

    def run(self, *, renew: bool = False) -> Result:
        """Charge the question and answer it, or replay the answer that was paid before.

        `renew` pays again for a charge whose three attempts all failed.

        >>> query.run()  # doctest: +SKIP
        """
        return Result(self._native.run(renew=renew))

    def __repr__(self) -> str:
        sql = " ".join(self.sql.split())
        return f"<voilage.Query {sql!r}: preview() is free, run() charges>"
