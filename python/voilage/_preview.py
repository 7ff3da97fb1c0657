"""What a question would cost, before it is paid for."""

from __future__ import annotations

from typing import Any

from voilage import _native
from voilage._html import SMALL, bar, card, escape, facts
from voilage._number import show_error


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

        Columns that are computed from released values have no error before they are computed.

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
        cost = float(self.share.rstrip("%")) / 100
        left = "" if self.affordable else "color:#b3261e;font-weight:600"
        pairs = [
            ("costs", f"{escape(self.share)} of the budget{bar(cost, self.share)}"),
            ("leaves", f'<span style="{left}">{escape(self.left_after)}</span>'),
        ]
        for name, output in self._outputs():
            error = show_error(output["error_95"])
            pairs.append((name, f"&plusmn; {error} at 95% {escape(output['note'])}"))
        pairs += [("note", escape(warning)) for warning in self.warnings]
        details = (
            f'<details style="{SMALL}"><summary>keys, bounds and noise</summary>'
            f'<pre style="white-space:pre-wrap">{escape(self._text)}</pre></details>'
        )
        title = f"{escape(self._content['project'])}: price of a question (free to ask)"
        return card(title, facts(pairs) + details)
