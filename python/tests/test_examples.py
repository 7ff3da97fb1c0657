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
TOLD_BY_THEIR_CLASS = {
    # Plain facts, shown in their class's example.
    "Budget": {"project", "dataset", "accountant", "status", "epsilon", "delta", "spent_share"}
    | {"left_share", "affordable_epsilon", "ends", "starts", "weekly_share", "exhausted_on"},
    "Result": {"columns", "replayed", "release"},
    "Values": {"value", "low", "high", "confidence", "small", "name"},
    "Schema": {"of", "get", "items", "keys", "values"},
}
WITHOUT_METHODS = {"LossInput", "__version__"}
EXCEPTIONS = {"VoilageError", "FixQuery", "BudgetRefused", "PolicyRefused", "TryAgain", "Bug"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("examples")


@pytest.mark.parametrize("name", ["voilage", *(f"voilage.{module}" for module in MODULES)])
def test_examples_run(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    module = importlib.import_module(name)
    outcome = doctest.testmod(module, optionflags=doctest.ELLIPSIS, report=True)
    assert outcome.failed == 0


@pytest.mark.parametrize("name", vo.__all__)
def test_every_public_name_has_an_example(name: str) -> None:
    thing = getattr(vo, name)
    if name in WITHOUT_METHODS:
        return
    assert thing.__doc__, name
    if name in EXCEPTIONS:
        return
    assert ">>>" in thing.__doc__, name
    if not inspect.isclass(thing):
        return
    for member, value in vars(thing).items():
        plain = value.__func__ if isinstance(value, classmethod | staticmethod) else value
        if member.startswith("_") or not (callable(plain) or isinstance(plain, property)):
            continue
        assert plain.__doc__, f"{name}.{member}"
        if member not in TOLD_BY_THEIR_CLASS.get(name, set()):
            assert ">>>" in plain.__doc__, f"{name}.{member}"
