import os
from collections.abc import Sequence
from typing import Any, final

from voilage._study import Budget

__all__ = [
    "BudgetRefused",
    "Bug",
    "FixQuery",
    "Hub",
    "PolicyRefused",
    "Preview",
    "Query",
    "Result",
    "Study",
    "Table",
    "TryAgain",
    "VoilageError",
    "__version__",
    "main",
]
__version__: str

class VoilageError(Exception): ...
class FixQuery(VoilageError): ...  # noqa: N818
class BudgetRefused(VoilageError): ...  # noqa: N818
class PolicyRefused(VoilageError): ...  # noqa: N818
class TryAgain(VoilageError): ...  # noqa: N818
class Bug(VoilageError): ...  # noqa: N818

@final
class Hub:
    @staticmethod
    def open(path: str | os.PathLike[str]) -> Hub: ...
    def project(self, name: str) -> Study: ...
    def projects(self) -> list[str]: ...

@final
class Study:
    @property
    def name(self) -> str: ...
    def budget(self) -> Budget: ...
    def sql(
        self,
        sql: str,
        *,
        epsilon: str | None = None,
        rho: str | None = None,
        share: str | None = None,
    ) -> Query: ...

@final
class Query:
    @property
    def sql(self) -> str: ...
    def preview(self) -> Preview: ...
    def run(self, *, renew: bool = False) -> Result: ...

@final
class Preview:
    def _repr_html_(self) -> str: ...
    def to_dict(self) -> dict[str, Any]: ...

@final
class Result:
    def __arrow_c_schema__(self) -> object: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...
    def __len__(self) -> int: ...
    def _repr_html_(self) -> str: ...
    def with_intervals(self) -> Table: ...
    @property
    def receipt(self) -> dict[str, Any]: ...
    @property
    def replayed(self) -> bool: ...

@final
class Table:
    def __arrow_c_schema__(self) -> object: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...
    def __len__(self) -> int: ...

def main(argv: Sequence[str]) -> int: ...
