"""The door: a hub and its projects."""

from __future__ import annotations

import os
import threading
import weakref
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from voilage import _native
from voilage._errors import fix_query
from voilage._study import Study

if TYPE_CHECKING:
    from voilage._local import LocalHub
    from voilage._loss import LossInput


class Door:
    """An open hub file, shared by a hub and everything made from it.

    It belongs to one process: SQLite's connections do not survive a fork.
    """

    __slots__ = ("__weakref__", "_generation", "_native", "_process", "path", "turn")

    def __init__(self, path: Path) -> None:
        self.path = path
        self._native: _native.Hub | None = _native.Hub.open(path)
        self._process = os.getpid()
        self._generation = 0
        self.turn = threading.Lock()
        _OPEN.add(self)

    def native(self) -> _native.Hub:
        """Return the engine's hub, or say why it cannot be used any more."""
        again = f"open it again: vo.open({str(self.path)!r})"
        if self._native is None:
            raise fix_query("the hub is closed", again)
        if self._process != os.getpid():
            raise fix_query(
                "the hub was opened by the process that this one was forked from, and its ledger "
                "stays with that process",
                again.replace("again", "in this process"),
            )
        return self._native

    def generation(self) -> int:
        """Return how often the hub file was read again."""
        self.native()
        return self._generation

    def reload(self) -> None:
        """Read the hub file again."""
        self.native()
        self._native = _native.Hub.open(self.path)
        self._generation += 1

    def close(self) -> None:
        """Give the ledger up."""
        if self._process == os.getpid():
            self._native = None

    def abandon(self) -> None:
        """Leave the ledger to the parent process."""
        if self._native is not None:
            self._native.abandon()


_OPEN: weakref.WeakSet[Door] = weakref.WeakSet()


def _in_a_forked_child() -> None:
    for door in list(_OPEN):
        door.abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_a_forked_child)


class Hub:
    """An open hub; made by :func:`voilage.open`.

    >>> import voilage as vo
    >>> with vo.demo() as hub:
    ...     hub.projects()
    ['demo']
    """

    __slots__ = ("_door",)

    def __init__(self, door: Door) -> None:
        self._door = door

    @staticmethod
    def local(
        folder: str | os.PathLike[str],
        *,
        epsilon: LossInput | None = None,
        delta: LossInput | None = None,
        dataset: str = "data",
        unit_kind: str = "person",
    ) -> LocalHub:
        """Open a hub that lives in one folder, or make one, to register tables of your own.

        A new hub needs the lifetime cap of its people: `epsilon` and `delta`. It is fixed for good.

        >>> import voilage as vo
        >>> hub = vo.Hub.local("clinic", epsilon=10, delta="1e-6")
        >>> visits = {"person": [1, 1, 2], "cost": [10.0, 30.0, 20.0]}
        >>> hub.register(
        ...     "visits", visits, unit="person", max_rows_per_group=5, bounds={"cost": (0, 100)}
        ... )
        >>> study = hub.open_project("costs", epsilon=1, delta="1e-8", purpose="to learn voilage")
        >>> study.sql("SELECT AVG(cost) AS cost FROM visits", epsilon=0.5).run().columns
        ('cost',)
        """
        from voilage._local import open_local  # noqa: PLC0415  (imported when it is needed)

        return open_local(
            Path(folder), epsilon=epsilon, delta=delta, dataset=dataset, unit_kind=unit_kind
        )

    def project(self, name: str) -> Study:
        """Return the project of that name; an unknown name raises :class:`voilage.FixQuery`.

        >>> import voilage as vo
        >>> vo.demo().project("demo")
        <voilage.Study 'demo'>
        """
        self._door.native().project(name)
        return Study(self._door, name)

    def projects(self) -> list[str]:
        """Return the names of all projects.

        >>> import voilage as vo
        >>> vo.demo().projects()
        ['demo']
        """
        return self._door.native().projects()

    def close(self) -> None:
        """Give the ledger up. What was made from the hub cannot ask any more.

        >>> import voilage as vo
        >>> hub = vo.demo()
        >>> hub.close()
        >>> hub.projects()
        Traceback (most recent call last):
        voilage.FixQuery: the hub is closed
          fix: open it again: vo.open('voilage-demo/hub.toml')
        """
        self._door.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<voilage.Hub {str(self._door.path)!r}>"


def open(path: str | os.PathLike[str]) -> Hub:  # noqa: A001  (`voilage.open` reads well)
    """Open the hub that a hub file describes; `voilage init` creates its ledger.

    >>> import voilage as vo
    >>> vo.demo().close()  # writes voilage-demo/hub.toml
    >>> vo.open("voilage-demo/hub.toml")
    <voilage.Hub 'voilage-demo/hub.toml'>
    """
    return Hub(Door(Path(path)))
