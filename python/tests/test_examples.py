"""Every example in the package runs, and every public name has one."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import voilage as vo

MODULES = sorted(
    module.name for module in pkgutil.iter_modules(vo.__path__) if module.name != "__main__"
)
# What has no docstring to hold an example: a type and a text.
PLAIN = {"LossInput", "__version__"}


@pytest.mark.parametrize("name", ["voilage", *(f"voilage.{module}" for module in MODULES)])
def test_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    outcome = doctest.testmod(module, optionflags=doctest.ELLIPSIS, report=True)
    assert outcome.failed == 0


def examples_of(thing: object) -> int:
    """Return how many examples a docstring holds, each with something that it shows or does."""
    return len(doctest.DocTestParser().get_examples(getattr(thing, "__doc__", None) or ""))


def members(kind: type) -> list[tuple[str, object]]:
    """Return what a class itself has to offer: methods, properties and plain facts."""
    found = []
    for name, value in vars(kind).items():
        plain = value.__func__ if isinstance(value, classmethod | staticmethod) else value
        if not name.startswith("_") and (callable(plain) or isinstance(plain, property)):
            found.append((name, plain))
    return found


@pytest.mark.parametrize("name", vo.__all__)
def test_every_public_name_has_an_example(name: str) -> None:
    thing = getattr(vo, name)
    if name in PLAIN:
        return
    assert examples_of(thing) > 0, name
    if inspect.isclass(thing):
        without = [member for member, value in members(thing) if examples_of(value) == 0]
        assert without == []


def test_the_examples_of_every_public_name_are_run() -> None:
    """An example that no module's doctest finds would stand there unproved."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    run = set()
    for name in ["voilage", *(f"voilage.{module}" for module in MODULES)]:
        for test in finder.find(importlib.import_module(name)):
            if test.examples:
                run.add(test.docstring)
    for name in set(vo.__all__) - PLAIN:
        thing = getattr(vo, name)
        assert thing.__doc__ in run, name
        for member, value in members(thing) if inspect.isclass(thing) else ():
            assert value.__doc__ in run, f"{name}.{member}"
