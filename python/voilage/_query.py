"""A priced question that has not been paid for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voilage import _native
from voilage._errors import fix_query
from voilage._html import card, escape, muted
from voilage._loss import Price
from voilage._preview import Preview
from voilage._progress import Progress
from voilage._result import Result

if TYPE_CHECKING:
    from voilage._loss import LossInput
    from voilage._study import Study

TEXT_MAX = 70


class FreeAnswer:
    """What a project's earlier answers say about a question for nothing.

    >>> import voilage as vo
    >>> visits = vo.demo().project("demo").table("visits").filter(vo.col("age") < 18)
    >>> result = visits.group_by("site", "year").agg(n=vo.count()).share("4%").run()
    >>> visits.group_by("year").agg(n=vo.count()).share("1%").free
    <voilage.FreeAnswer from release ...: n +-... instead of +-...; ...: run(free=True) takes it>
    """

    __slots__ = ("_said", "_terms")

    def __init__(self, said: str, terms: dict[str, Any], *, compared: bool) -> None:
        self._terms = terms
        # Without a price there is nothing to compare with.
        self._said = said if compared else f"from release {terms['release']}; {terms['note']}"

    @property
    def release(self) -> str:
        """The release that it follows from.

        >>> import voilage as vo
        >>> query = vo.demo().project("demo").sql("SELECT COUNT(*) AS n FROM visits", share="1%")
        >>> result = query.run()
        >>> query.free.release == result.release
        True
        """
        return str(self._terms["release"])

    @property
    def errors(self) -> dict[str, float]:
        """Half the width of each column's 95% interval, as in :attr:`voilage.Preview.errors`.

        >>> import voilage as vo
        >>> query = vo.demo().project("demo").sql("SELECT COUNT(*) AS n FROM visits", share="1%")
        >>> result = query.run()
        >>> sorted(query.free.errors)
        ['n']
        """
        return {column["name"]: column["error_95"] for column in self._terms["columns"]}

    @property
    def note(self) -> str:
        """How its rows were bounded.

        >>> import voilage as vo
        >>> query = vo.demo().project("demo").sql("SELECT COUNT(*) AS n FROM visits", share="1%")
        >>> result = query.run()
        >>> query.free.note
        'the cells are those of the release, bounded as they are there'
        """
        return str(self._terms["note"])

    def __repr__(self) -> str:
        return f"<voilage.FreeAnswer {self._said}: run(free=True) takes it>"


class Query:
    """A question; made by :meth:`voilage.Study.sql` or the builder. Only `run()` spends.

    Without a price it can be analysed and cannot be run: `epsilon`, `rho`, `share` and `with_error`
    return the same question at a price.

    >>> import voilage as vo
    >>> study = vo.demo().project("demo")
    >>> query = study.sql("SELECT COUNT(DISTINCT person) AS people FROM visits", epsilon=0.5)
    >>> query.preview().errors
    {'people': 19.0}
    """

    __slots__ = ("_native", "_price", "_release", "_study")

    def __init__(
        self,
        study: Study,
        native: _native.Query,
        price: Price | None,
        release: str | None = None,
    ) -> None:
        self._study = study
        self._release = release
        self._native = native
        self._price = price

    @property
    def sql_text(self) -> str:
        """The question as SQL: what the engine reads, also when it was built.

        >>> import voilage as vo
        >>> visits = vo.demo().project("demo").table("visits")
        >>> visits.agg(visits=vo.count()).epsilon(0.5).sql_text
        'SELECT COUNT(*) AS "visits" FROM "visits"'
        """
        return self._native.sql

    @property
    def price(self) -> str:
        """What the question may cost, as it was said. Only the same price is the same question.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> study.sql("SELECT COUNT(*) AS visits FROM visits", share="1%").price
        'a share of 1%'
        >>> study.sql("SELECT COUNT(*) AS visits FROM visits").price
        'none yet'
        """
        return "none yet" if self._price is None else str(self._price)

    def epsilon(self, epsilon: LossInput) -> Query:
        """Return the same question at a price: it alone is (epsilon, delta)-private.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> study.sql("SELECT COUNT(*) AS visits FROM visits").epsilon(0.5).price
        'epsilon 0.5'
        """
        return self._study.sql(self.sql_text, epsilon=epsilon)

    def rho(self, rho: LossInput) -> Query:
        """Return the same question at a price in zero-concentrated loss; these add up.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> study.sql("SELECT COUNT(*) AS visits FROM visits").rho("0.001").price
        'rho 0.001'
        """
        return self._study.sql(self.sql_text, rho=rho)

    def share(self, share: str) -> Query:
        """Return the same question at a share of the project's budget; these add up.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> study.sql("SELECT COUNT(*) AS visits FROM visits").share("2%").price
        'a share of 2%'
        """
        return self._study.sql(self.sql_text, share=share)

    def _asked_price(self) -> Price:
        if self._price is None:
            raise fix_query(
                "the question has no price yet",
                'write query.epsilon(0.5), query.share("2%") or query.with_error(column=25)',
            )
        return self._price

    def preview(self) -> Preview:
        """Return what the question costs and how exact its answer will be. Free.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> query = study.sql("SELECT COUNT(DISTINCT person) AS people FROM visits", share="1%")
        >>> query.preview().share
        '1.00%'
        """
        return Preview(self._now().preview())

    def with_error(self, **errors: float) -> Query:
        """Return the same question at the cheapest price that keeps each error at 95%.

        Reads nothing and spends nothing: it compares previews. What the errors refer to says
        :attr:`voilage.Preview.errors`.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> query = study.sql("SELECT COUNT(DISTINCT person) AS people FROM visits", epsilon=1)
        >>> query.with_error(people=50).preview().errors["people"] <= 50
        True
        """
        return self._study._cheapest(self.sql_text, errors)

    @property
    def free(self) -> FreeAnswer | None:
        """What follows from answers of the project that were paid for; nothing where none does.

        Counts, sums and means roll up over released public keys: with a wider interval, and for
        nothing. Only `run(free=True)` takes it.

        >>> import voilage as vo
        >>> visits = vo.demo().project("demo").table("visits").filter(vo.col("age") >= 18)
        >>> result = visits.group_by("site", "year").agg(n=vo.count()).share("4%").run()
        >>> query = visits.group_by("site").agg(n=vo.count()).share("4%")
        >>> query.free.errors["n"] > query.preview().errors["n"]
        True
        >>> len(query.run(free=True))
        4
        """
        found = self._known().free()
        if "offered" not in found:
            return None
        return FreeAnswer(found["said"], found["offered"], compared=self._price is not None)

    def run(
        self, *, progress: bool | None = None, renew: bool = False, free: bool = False
    ) -> Result:
        """Charge the question and answer it, or replay the answer that was paid before.

        Interrupting it (Ctrl-C, or the notebook's stop button) keeps the charge, and the next run
        continues under it. `renew` pays again for a charge whose three attempts all failed.
        `progress` shows a bar of stages, where `tqdm` is installed; by default in a terminal and in
        a notebook. `free` takes what :attr:`free` offers, and charges nothing.

        >>> import voilage as vo
        >>> study = vo.demo().project("demo")
        >>> result = study.sql("SELECT COUNT(*) AS visits FROM visits", epsilon=0.5).run()
        >>> study.sql("SELECT COUNT(*) AS visits FROM visits", epsilon=0.5).run().replayed
        True
        """
        self._study._engine()
        if free:
            return Result(self._known().take_free(), self._native.preview().to_dict(), self)
        self._asked_price()
        # One at a time: of two runs of one question at once, the ledger lets only the later finish.
        with self._study._door.turn:
            return self._run(progress, renew=renew)

    def _run(self, progress: bool | None, *, renew: bool) -> Result:
        query = self._now()
        explained = query.preview().to_dict()
        with Progress(len(explained["boundaries"]), wanted=progress) as bar:
            try:
                native = query.run(observer=bar.reached, renew=renew)
            except _native.BudgetRefused as refusal:
                from voilage._refusal import explained_refusal  # noqa: PLC0415  (rarely needed)

                raise explained_refusal(self, refusal) from None
        return Result(native, explained, self)

    def _known(self) -> _native.Query:
        """Return the question as it is now, also where it has no price."""
        if self._price is None:
            return self._study.sql(self.sql_text)._native
        return self._now()

    def _now(self) -> _native.Query:
        """Plan the question anew, for the data and the budget as they are now."""
        return self._study._priced(self.sql_text, self._asked_price(), self._release)._native

    def _repr_html_(self) -> str:
        price = "no price yet: .epsilon(..), .share(..) or .with_error(..)"
        if self._price is not None:
            price = f"at {self.price}: preview() is free, run() charges"
        text = f'<pre style="white-space:pre-wrap;margin:0 0 6px">{escape(self.sql_text)}</pre>'
        return card(f"<b>Question</b> {muted(price)}", text)

    def __repr__(self) -> str:
        sql = " ".join(self.sql_text.split())
        short = sql if len(sql) <= TEXT_MAX else f"{sql[:TEXT_MAX]} ..."
        if self._price is None:
            return f"<voilage.Query {short!r}: .epsilon(..), .share(..) or .with_error(..)>"
        return f"<voilage.Query {short!r} at {self.price}: preview() is free, run() charges>"
