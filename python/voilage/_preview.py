"""What a question would cost, before it is paid for."""

from __future__ import annotations

from typing import Any

from voilage import _native


class Preview:
    """The price of a question and the errors to expect; made by :meth:`voilage.Query.preview`.

    >>> import voilage as vo
    >>> study = vo.demo().project("demo")
    >>> preview = study.sql("SELECT COUNT(*) AS visits FROM visits", share="1%").preview()
    >>> preview.share, preview.affordable, sorted(preview.errors)
    ('1.00%', True, ['visits'])
    """

    __slots__ = ("_content", "_text")

    def __init__(self, native: _native.Preview) -> None:
        self._text = native.text
        self._content = native.to_dict()

    @property
    def share(self) -> str:
        """The cost as a share of the project's budget, rounded up.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> study.sql("SELECT COUNT(*) AS visits FROM visits", share="1%").preview().share
        '1.00%'
        """
        return str(self._content["share"])

    @property
    def loss(self) -> dict[str, str]:
        """The cost itself: `rho` and `delta`, or `epsilon`, as exact decimal strings.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> sorted(study.sql("SELECT COUNT(*) FROM visits", share="1%").preview().loss)
        ['delta', 'rho']
        """
        return dict(self._content["loss"])

    @property
    def left_after(self) -> str:
        """What would be left of the project's budget, rounded down; or that it is not enough.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> study.sql("SELECT COUNT(*) FROM visits", rho="1000").preview().left_after
        'not enough is left'
        """
        return str(self._content["left_after"])

    @property
    def affordable(self) -> bool:
        """Whether the project's budget still allows the question.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> study.sql("SELECT COUNT(*) FROM visits", rho="1000").preview().affordable
        False
        """
        return self.left_after.endswith("%")

    @property
    def errors(self) -> dict[str, float]:
        """Half the width of each column's 95% interval; a mean's for a group of 1,000 rows.

        That of a quantile is a number of rows: so many may lie between what will be shown and the
        quantile. Columns that are computed from released values have no error before.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> sql = "SELECT COUNT(DISTINCT person) AS people FROM visits"
        >>> study.sql(sql, epsilon=1).preview().errors
        {'people': 10.0}
        """
        return {name: output["error_95"] for name, output in self._outputs()}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is worth knowing before paying, from public parameters alone.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> study.sql("SELECT COUNT(*) FROM visits", rho="1000").preview().warnings
        ("the project's budget does not suffice for this question",)
        """
        return tuple(self._content["warnings"])

    def to_dict(self) -> dict[str, Any]:
        """Return everything as dictionaries, lists and strings.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> study.sql("SELECT COUNT(*) FROM visits", share="1%").preview().to_dict()["project"]
        'demo'
        """
        return dict(self._content)

    def _outputs(self) -> list[tuple[str, dict[str, Any]]]:
        boundaries = self._content["boundaries"]
        return [
            (column["name"], boundaries[column["boundary"]]["outputs"][column["output"]])
            for column in self._content["columns"]
        ]

    def __repr__(self) -> str:
        return self._text.rstrip("\n")

    def _repr_html_(self) -> str:
        from voilage._preview_card import preview_card  # noqa: PLC0415  (only in notebooks)

        return preview_card(self._content)
