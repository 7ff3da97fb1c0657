"""A bar that shows stages, never row counts: how far a question is says nothing about the data."""

from __future__ import annotations

import importlib.util
import sys
import warnings
from types import TracebackType
from typing import Any, Self

STAGES_ALWAYS = 2
STAGES_PER_AGGREGATE = 2
DELAY_SECONDS = 0.5
"""A replay and a small table are answered before a bar would be worth looking at."""


class Progress:
    """A bar over the stages of a question: charged, noise and seal of each aggregate, done."""

    def __init__(self, aggregates: int, *, wanted: bool | None) -> None:
        self._total = STAGES_ALWAYS + STAGES_PER_AGGREGATE * aggregates
        self._bar: Any = None
        if wanted or (wanted is None and _someone_watches()):
            self._bar = _bar(self._total)

    def reached(self, stage: str) -> None:
        """Move on by one stage. Reading has no end that may be shown, so that it is named only."""
        if self._bar is None:
            return
        self._bar.set_description_str(f"voilage: {stage}", refresh=False)
        if stage != "reading":
            self._bar.update(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()


def _someone_watches() -> bool:
    return sys.stderr.isatty() or "ipykernel" in sys.modules


def _bar(total: int) -> Any:  # noqa: ANN401  (tqdm has no types)
    if importlib.util.find_spec("tqdm") is None:
        return None
    with warnings.catch_warnings():
        # Without ipywidgets a plain bar is shown, which needs no warning.
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm  # noqa: PLC0415  (optional)

    return tqdm(
        total=total,
        desc="voilage: asking",
        delay=DELAY_SECONDS,
        leave=False,
        bar_format="{desc} {bar} {n_fmt}/{total_fmt} stages",
    )
