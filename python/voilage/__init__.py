"""Ask questions about records of people and get differentially private answers.

A question is priced before it is paid for, and nothing but ``run()`` spends:

>>> import voilage as vo
>>> study = vo.demo().project("demo")
>>> question = study.table("visits").group_by("site").agg(people=vo.count_units())
>>> query = question.epsilon(0.5)
>>> query.preview().share  # free
'2.02%'
>>> result = query.run()  # charges the project once; the same question again is free
>>> result.columns
('site', 'people')
"""

from voilage._aggregate import (
    Aggregate,
    Aggregates,
    count,
    count_distinct,
    count_units,
    is_total,
    max,  # noqa: A004
    mean,
    median,
    min,  # noqa: A004
    quantile,
    quantiles,
    std,
    sum,  # noqa: A004
    variance,
)
from voilage._budget import Budget
from voilage._demo import demo
from voilage._expr import Expr, col
from voilage._frame import Frame
from voilage._hub import Hub, open  # noqa: A004  (`voilage.open` is how a hub is opened)
from voilage._keys import When, histogram, month, week, when, year
from voilage._local import LocalHub
from voilage._loss import LossInput
from voilage._magic import load_ipython_extension
from voilage._native import (
    BudgetRefused,
    Bug,
    FixQuery,
    PolicyRefused,
    TryAgain,
    VoilageError,
    __version__,
)
from voilage._preview import Preview
from voilage._query import FreeAnswer, Query
from voilage._question import Grouped, Unpriced
from voilage._result import Result
from voilage._schema import Schema
from voilage._study import Study
from voilage._table import Cohort, PerUnit, Table
from voilage._values import Values
from voilage._version import DataVersion

__all__ = [
    "Aggregate",
    "Aggregates",
    "Budget",
    "BudgetRefused",
    "Bug",
    "Cohort",
    "DataVersion",
    "Expr",
    "FixQuery",
    "Frame",
    "FreeAnswer",
    "Grouped",
    "Hub",
    "LocalHub",
    "LossInput",
    "PerUnit",
    "PolicyRefused",
    "Preview",
    "Query",
    "Result",
    "Schema",
    "Study",
    "Table",
    "TryAgain",
    "Unpriced",
    "Values",
    "VoilageError",
    "When",
    "__version__",
    "col",
    "count",
    "count_distinct",
    "count_units",
    "demo",
    "histogram",
    "is_total",
    "load_ipython_extension",
    "max",
    "mean",
    "median",
    "min",
    "month",
    "open",
    "quantile",
    "quantiles",
    "std",
    "sum",
    "variance",
    "week",
    "when",
    "year",
]
