"""The door: a hub and its projects."""

from __future__ import annotations

import os
from pathlib import Path

from voilage import _native
from voilage._study import Study


class Hub:
    """An open hub; made by :func:`voilage.open`.

    >>> hub = voilage.open("examples/hub.toml")  # doctest: +SKIP
    >>> hub.projects()  # doctest: +SKIP
    ['omop-conditions', 'rand-costs']
    """

    __slots__ = ("_native", "_path")

    def __init__(self, native: _native.Hub, path: Path) -> None:
        self._native = native
        self._path = path

    def project(self, name: str) -> Study:
        """Return the project of that name; an unknown name raises :class:`voilage.FixQuery`.

        >>> hub.project("rand-costs")  # doctest: +SKIP
        <voilage.Study 'rand-costs'>
        """
        return Study(self._native.project(name))

    def projects(self) -> list[str]:
        """Return the names of all projects.

        >>> hub.projects()  # doctest: +SKIP
        ['omop-conditions', 'rand-costs']
        """
        return self._native.projects()

    def __repr__(self) -> str:
        return f"<voilage.Hub {str(self._path)!r}>"


def open(path: str | os.PathLike[str]) -> Hub:  # noqa: A001  (`voilage.open` reads well)
    """Open the hub that a hub file describes; `voilage init` creates its ledger.

    >>> import voilage
    >>> voilage.open("examples/hub.toml")  # doctest: +SKIP
    <voilage.Hub 'examples/hub.toml'>
    """
    place = Path(path)
    return Hub(_native.Hub.open(place), place)
