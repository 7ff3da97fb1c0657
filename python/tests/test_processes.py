"""Threads, forks and interruptions: what a notebook does to a hub."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

import voilage as vo
from conftest import Golden
from voilage._progress import Progress

SQL = "SELECT site, COUNT(DISTINCT person) AS people FROM visits GROUP BY site"


def test_many_threads_pay_once(study: vo.Study) -> None:
    unspent = study.budget.spent_share
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: study.sql(SQL, epsilon=0.5).run(), range(16)))
    assert len({result.release for result in results}) == 1
    assert len(study.budget.charges) == 1
    assert study.budget.spent_share != unspent


def test_threads_with_questions_of_their_own(study: vo.Study) -> None:
    def ask(least: int) -> vo.Result:
        return study.sql(
            f"{SQL.replace('GROUP', f'WHERE cost >= {least} GROUP')}", rho="0.001"
        ).run()

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(ask, range(8)))
    assert len({result.release for result in results}) == len(study.budget.charges) == 8


def test_the_engine_works_without_the_interpreter_lock(
    study: vo.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one thread asks, another runs Python: it is let in before the answer is there."""
    ran = threading.Event()
    seen: list[bool] = []

    def reached(_self: Progress, stage: str) -> None:
        if stage == "charged":
            threading.Thread(target=ran.set).start()
            seen.append(ran.wait(timeout=60))

    monkeypatch.setattr(Progress, "reached", reached)
    study.sql(SQL, epsilon=0.5).run()
    assert seen == [True]


def in_a_fork(work: Callable[[], str]) -> str:
    """Return what `work` says in a forked child; a child that hangs is a failure."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)

    def child(answer: Connection) -> None:
        try:
            answer.send(work())
        except BaseException as error:
            answer.send(f"{type(error).__name__}: {error}")
        finally:
            answer.close()
            os._exit(0)

    process = context.Process(target=child, args=(there,))
    process.start()
    there.close()
    assert here.poll(120), "the child hangs"
    said = str(here.recv())
    process.join(60)
    assert process.exitcode == 0
    return said


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_after_a_fork_the_hub_stays_with_its_parent(
    hub: vo.Hub, study: vo.Study, tmp_path: Path, golden: Golden
) -> None:
    query = study.sql(SQL, epsilon=0.5)
    query.run()  # so that the engine's threads exist, and are missing in the child
    said = [
        in_a_fork(lambda: str(hub.projects())),
        in_a_fork(lambda: str(study.budget)),
        in_a_fork(lambda: str(query.run())),
        in_a_fork(lambda: str(query.preview())),
    ]
    golden.check("fork", "\n".join(said).replace(str(tmp_path), "FOLDER"))
    assert query.run().replayed


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_child_can_open_the_hub_itself(hub: vo.Hub, study: vo.Study, tmp_path: Path) -> None:
    first = study.sql(SQL, epsilon=0.5).run()
    file = tmp_path / "hub.toml"

    def ask() -> str:
        own = vo.open(file).project("costs")
        fresh = own.sql(SQL.replace("people", "units"), epsilon=0.25).run()
        return f"{own.sql(SQL, epsilon=0.5).run().release} {fresh.replayed} {len(fresh)}"

    assert in_a_fork(ask) == f"{first.release} False 4"
    assert len(study.budget.charges) == 2
    assert hub.projects() == ["costs"]


def test_ctrl_c_keeps_the_charge_and_the_next_run_continues(
    study: vo.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages: list[str] = []

    def reached(_self: Progress, stage: str) -> None:
        stages.append(stage)
        if stage == "charged":
            signal.raise_signal(signal.SIGINT)

    query = study.sql(SQL, epsilon=0.5)
    with monkeypatch.context() as patched:
        patched.setattr(Progress, "reached", reached)
        with pytest.raises(KeyboardInterrupt):
            query.run()
    assert stages == ["charged"]
    paid = study.budget.to_dict()["spent"]
    assert study.budget.spent_share != "0.00%"
    result = query.run()
    assert len(result) == 4
    assert study.budget.to_dict()["spent"] == paid


def test_an_observer_that_fails_stops_the_work_too(
    study: vo.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reached(_self: Progress, _stage: str) -> None:
        raise RuntimeError("the bar broke")

    query = study.sql(SQL, epsilon=0.5)
    with monkeypatch.context() as patched:
        patched.setattr(Progress, "reached", reached)
        with pytest.raises(RuntimeError, match="the bar broke"):
            query.run()
    assert len(study.budget.charges) == 1
    query.run()
    assert len(study.budget.charges) == 1


def test_progress_shows_stages_and_no_counts(
    study: vo.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Bar] = []

    class Bar:
        def __init__(self, **options: object) -> None:
            self.options, self.said, self.steps, self.open = options, list[str](), 0, True
            made.append(self)

        def set_description_str(self, text: str, *, refresh: bool) -> None:
            assert not refresh
            self.said.append(text)

        def update(self, steps: int) -> None:
            self.steps += steps

        def close(self) -> None:
            self.open = False

    monkeypatch.setattr("tqdm.auto.tqdm", Bar)
    study.sql(SQL, epsilon=0.5).run(progress=True)
    (bar,) = made
    assert bar.said == [
        f"voilage: {stage}" for stage in ("charged", "reading", "noise added", "sealed", "done")
    ]
    assert bar.steps == bar.options["total"] == 4
    assert not bar.open
    assert not any(letter.isdigit() for text in bar.said for letter in text)


def test_no_bar_where_nobody_watches(study: vo.Study, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_bar(**_options: object) -> None:
        raise AssertionError("a bar was made")

    monkeypatch.setattr("tqdm.auto.tqdm", no_bar)
    study.sql(SQL, epsilon=0.5).run(progress=False)


def test_a_closed_hub(hub: vo.Hub, study: vo.Study, tmp_path: Path, golden: Golden) -> None:
    query = study.sql(SQL, epsilon=0.5)
    table = study.table("visits")
    hub.close()
    hub.close()
    said = []
    for use in (
        hub.projects,
        lambda: hub.project("costs"),
        lambda: study.budget,
        study.schema,
        lambda: study.sql(SQL, epsilon=1),
        query.run,
        query.preview,
        lambda: table.agg(n=vo.count()).epsilon(1),
    ):
        with pytest.raises(vo.FixQuery) as caught:
            use()
        said.append(str(caught.value))
    golden.check("closed", "\n".join(said).replace(str(tmp_path), "FOLDER"))
