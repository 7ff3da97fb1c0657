"""Ask SQL questions about records of people and get differentially private answers.

A question is priced before it is paid for, and nothing but ``run()`` spends:

>>> import voilage
>>> hub = voilage.open("examples/hub.toml")  # doctest: +SKIP
>>> costs = hub.project("rand-costs")  # doctest: +SKIP
>>> query = costs.sql("SELECT plan, AVG(meddol) FROM rand_hie GROUP BY plan", epsilon=0.5)
... # doctest: +SKIP
>>> query.preview()  # free  # doctest: +SKIP
>>> result = query.run()  # charges the project once; the same question again is free
... # doctest: +SKIP
>>> result.to_pandas(intervals=True)  # doctest: +SKIP
"""

from voilage._hub import Hub, open  # noqa: A004  (`voilage.open` is how a hub is opened)
from voilage._loss import LossInput
from voilage._native import (
    BudgetRefused,
    Bug,
    FixQuery,
    PolicyRefused,
    Preview,
    TryAgain,
    VoilageError,
    __version__,
)
from voilage._query import Query
from voilage._result import Result
from voilage._study import Budget, Study

__all__ = [
    "Budget",
    "BudgetRefused",
    "Bug",
    "FixQuery",
    "Hub",
    "LossInput",
    "PolicyRefused",
    "Preview",
    "Query",
    "Result",
    "Study",
    "TryAgain",
    "VoilageError",
    "__version__",
    "open",
]
