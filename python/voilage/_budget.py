"""A project's budget: what was granted, what is spent, and how long the rest lasts."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from voilage._html import ACCENT, bar, card, escape, facts, muted
from voilage._number import percent

if TYPE_CHECKING:
    from voilage._chart import Chart

WEEK = dt.timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Spending:
    """One charge: when, for what, and how much of the budget was spent once it was in."""

    entry: int
    charged_at: dt.datetime
    question: str
    share: str
    spent_after: Decimal
    """As a part of the whole budget, between 0 and 1."""
    replays: int


class Budget:
    """The budget of one project as the ledger had it; made by :attr:`voilage.Study.budget`.

    In a zcdp project shares are of rho, which adds up; epsilons do not.

    >>> import voilage as vo
    >>> budget = vo.demo().project("demo").budget
    >>> budget.project, budget.dataset, budget.epsilon, budget.status
    ('demo', 'demo', '4', 'open')
    """

    __slots__ = ("_content", "_today")

    def __init__(self, content: dict[str, Any], today: dt.date | None = None) -> None:
        self._content = content
        self._today = today or dt.datetime.now(dt.UTC).date()

    @property
    def project(self) -> str:
        """The project's name.

        >>> import voilage as vo
        >>> vo.demo().project("demo").budget.project
        'demo'
        """
        return str(self._content["project"])

    @property
    def dataset(self) -> str:
        """The dataset that it asks about.

        >>> import voilage as vo
        >>> vo.demo().project("demo").budget.dataset
        'demo'
        """
        return str(self._content["dataset"])

    @property
    def accountant(self) -> str:
        """How its losses add up: `zcdp` or `pure`.

        >>> import voilage as vo
        >>> vo.demo().project("demo").budget.accountant
        'zcdp'
        """
        return str(self._content["accountant"])

    @property
    def status(self) -> str:
        """Whether it may ask now.

        >>> import voilage as vo
        >>> vo.demo().project("demo").budget.status
        'open'
        """
        return str(self._content["status"])

    @property
    def epsilon(self) -> str:
        """What was granted.

        >>> import voilage as vo
        >>> vo.demo().project("demo").budget.epsilon
        '4'
        """
        return str(self._content["epsilon"])

    @property
    def delta(self) -> str | None:
        """What was granted; nothing in a pure project.

        >>> import voilage as vo
        >>> vo.demo().project("demo").budget.delta
        '0.0000001'
        """
        delta = self._content["delta"]
        return None if delta is None else str(delta)

    @property
    def spent_share(self) -> str:
        """What was spent, as a share of the budget, rounded up.

        >>> import voilage as vo
        >>> vo.demo().project("demo").budget.spent_share.endswith("%")
        True
        """
        return percent(self._quantity("spent"), self._quantity("cap"), up=True)

    @property
    def left_share(self) -> str:
        """What is left, as a share of the budget, rounded down.

        >>> import voilage as vo
        >>> vo.demo().project("demo").budget.left_share.endswith("%")
        True
        """
        return percent(self._quantity("left"), self._quantity("cap"), up=False)

    @property
    def affordable_epsilon(self) -> str:
        """The largest epsilon that one more question could have.

        >>> import voilage as vo
        >>> float(vo.demo().project("demo").budget.affordable_epsilon) <= 4
        True
        """
        return str(self._content["affordable_epsilon"])

    @property
    def ends(self) -> dt.date:
        """The last day of the permit.

        >>> import voilage as vo
        >>> budget = vo.demo().project("demo").budget
        >>> (budget.ends - budget.starts).days
        365
        """
        return dt.date.fromisoformat(self._content["permit"]["ends"])

    @property
    def starts(self) -> dt.date:
        """The first day of the permit.

        >>> import voilage as vo
        >>> budget = vo.demo().project("demo").budget
        >>> budget.starts < budget.ends
        True
        """
        return dt.date.fromisoformat(self._content["permit"]["starts"])

    @property
    def charges(self) -> tuple[Spending, ...]:
        """What was paid for, oldest first.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> result = study.sql("SELECT COUNT(*) AS visits FROM visits", epsilon=0.5).run()
        >>> study.budget.charges[0].share.endswith("%")
        True
        """
        whole = self._quantity("cap")
        return tuple(
            Spending(
                entry=charge["entry"],
                charged_at=dt.datetime.fromisoformat(charge["charged_at"]),
                question=charge["question"],
                share=percent(self._of(charge["loss"]), whole, up=True),
                spent_after=self._of(charge["spent_after"]) / whole if whole else Decimal(0),
                replays=charge["replays"],
            )
            for charge in self._content["charges"]
        )

    @property
    def weekly_share(self) -> str:
        """What was spent per week since the first charge, as a share of the budget, rounded up.

        >>> import voilage as vo
        >>> vo.demo().project("demo").budget.weekly_share.endswith("%")
        True
        """
        return percent(self._weekly(), Decimal(1), up=True)

    @property
    def exhausted_on(self) -> dt.date | None:
        """The day on which the budget ends at this rate; none while nothing was spent.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> result = study.sql("SELECT COUNT(*) AS visits FROM visits", epsilon=0.5).run()
        >>> study.budget.exhausted_on > study.budget.starts
        True
        """
        weekly = self._weekly()
        if weekly == 0:
            return None
        left = self._quantity("left") / self._quantity("cap")
        weeks = min(float(left / weekly), 5_000.0)
        return self._today + weeks * WEEK

    def plot(self) -> Any:  # noqa: ANN401  (an Altair chart where Altair is installed)
        """Return the burn-down: what was left over time, beside an even pace to the permit's end.

        >>> import voilage as vo
        >>> vo.demo().project("demo").budget.plot()._repr_mimebundle_() is not None
        True
        """
        from voilage._plots import burn_down  # noqa: PLC0415  (imported when it is needed)

        return burn_down(self)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as dictionaries, lists and strings; quantities are exact.

        >>> import voilage as vo
        >>> sorted(vo.demo().project("demo").budget.to_dict()["left"])
        ['delta', 'rho']
        """
        return dict(self._content)

    def _picture(self) -> Chart:
        from voilage._plots import burn_down_chart  # noqa: PLC0415  (imported when it is needed)

        return burn_down_chart(self)

    def _quantity(self, name: str) -> Decimal:
        return self._of(self._content[name])

    def _of(self, loss: dict[str, str]) -> Decimal:
        return Decimal(loss["epsilon"] if "epsilon" in loss else loss["rho"])

    def _weekly(self) -> Decimal:
        """The part of the budget spent per week; a first week counts as a whole one."""
        charges = self.charges
        if not charges:
            return Decimal(0)
        days = (self._today - charges[0].charged_at.date()).days + 1
        weeks = max(Decimal(days) / 7, Decimal(1))
        return charges[-1].spent_after / weeks

    def _facts(self) -> list[tuple[str, str]]:
        delta = f", delta {self.delta}" if self.delta is not None else ""
        pace = f"{self.weekly_share} a week"
        exhausted = self.exhausted_on
        if exhausted is not None:
            before = exhausted < self.ends
            pace += f", at which it lasts until {exhausted}" if before else ", within the permit"
        days = (self.ends - self._today).days
        until = f"{days:,} days from now" if days >= 0 else "over"
        unit = "rho" if self.accountant == "zcdp" else "epsilon"
        return [
            ("granted", f"epsilon {self.epsilon}{delta} ({self.accountant})"),
            ("spent", f"{self.spent_share} of {unit} in {len(self.charges)} charges"),
            ("left", f"{self.left_share} of {unit}"),
            ("next question", f"at most epsilon {Decimal(self.affordable_epsilon):.3f}"),
            ("rate", pace),
            ("permit", f"{self._content['permit']['reference']}, ends {self.ends} ({until})"),
        ]

    def __repr__(self) -> str:
        title = f"{self.project} on dataset {self.dataset}: {self.status}"
        rows = [f"  {name:<14}{value}" for name, value in self._facts()]
        return "\n".join([title, *rows])

    def _repr_html_(self) -> str:
        whole = self._quantity("cap")
        left = float(self._quantity("left") / whole) if whole else 0.0
        about = f"budget on dataset {self.dataset}, {self.status}"
        title = f"<b>{escape(self.project)}</b> {muted(about)}"
        body = f"<b>{escape(self.left_share)}</b> is left"
        body += bar([(left, ACCENT)], f"{self.spent_share} spent")
        body += facts([(name, escape(value)) for name, value in self._facts() if name != "left"])
        return card(title, body + self._picture().svg)
