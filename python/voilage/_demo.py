"""A hub about people who do not exist, to try everything on within seconds."""

from __future__ import annotations

import datetime as dt
import os
import random
from pathlib import Path

from voilage._hub import Hub
from voilage._local import FILE, LocalHub

PEOPLE = 3_000
VISITS_MAX = 6
SITES = ("North", "South", "East")
DIAGNOSES = {
    "E11": "Type 2 diabetes",
    "I10": "Hypertension",
    "J06": "Common cold",
    "J45": "Asthma",
    "M54": "Back pain",
}
YEARS = (2023, 2024, 2025)
SOURCE = "public standard: the demo's source code"


def demo(folder: str | os.PathLike[str] = "voilage-demo") -> LocalHub:
    """Open a hub about 3,000 made-up people and their visits, or make it in `folder`.

    Its project is called `demo`; its tables are `visits` and the public list `diagnoses`.

    >>> import voilage as vo
    >>> study = vo.demo().project("demo")
    >>> by_site = study.table("visits").group_by("site").agg(people=vo.count_units())
    >>> result = by_site.epsilon(0.5).run()
    >>> chart = result.plot("people")
    """
    place = Path(folder)
    if (place / FILE).exists():
        return Hub.local(place)
    hub = Hub.local(place, epsilon=10, delta="1e-6", dataset="demo")
    hub.register(
        "visits",
        _visits(),
        unit="person",
        max_groups=3,
        max_rows_per_group=VISITS_MAX,
        bounds={"age": (0, 100), "cost": (0, 500)},
        values={"site": SITES, "year": YEARS},
        source=SOURCE,
    )
    names = {"code": list(DIAGNOSES), "name": list(DIAGNOSES.values())}
    hub.register_public("diagnoses", names, provenance="the demo's source code")
    hub.open_project(
        "demo",
        epsilon=4,
        delta="1e-7",
        purpose="to try Voilage on people who do not exist",
        authority="Nobody",
        reference="DEMO",
        ends=dt.datetime.now(dt.UTC).date() + dt.timedelta(days=365),
    )
    return hub


def _visits() -> dict[str, list[object]]:
    made_up = random.Random(20260101)  # noqa: S311  (made-up people have no secrets)
    rows: dict[str, list[object]] = {
        name: [] for name in ("person", "site", "year", "visited", "age", "cost", "diagnosis")
    }
    for person in range(1, PEOPLE + 1):
        site = made_up.choices(SITES, weights=(5, 3, 2))[0]
        age = min(100, max(0, round(made_up.gauss(48, 20))))
        sick = made_up.choices(tuple(DIAGNOSES), weights=(2, 4, 6, 1, 3))[0]
        for _ in range(made_up.randint(1, VISITS_MAX)):
            year = made_up.choice(YEARS)
            chronic = made_up.random() < 0.6
            rows["person"].append(person)
            rows["site"].append(site)
            rows["year"].append(year)
            rows["visited"].append(dt.date(year, 1, 1) + dt.timedelta(made_up.randrange(365)))
            rows["age"].append(age)
            rows["cost"].append(round(made_up.lognormvariate(4 + age / 100, 0.7), 2))
            rows["diagnosis"].append(sick if chronic else made_up.choice(tuple(DIAGNOSES)))
    return rows
