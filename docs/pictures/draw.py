"""Draws the how-to's pictures from made-up costs: `python docs/pictures/draw.py`."""

from __future__ import annotations

import math
import random
from pathlib import Path

import voilage as vo
from voilage._chart import Chart

HERE = Path(__file__).parent
PEOPLE = 2_000
ROWS = 5
BOUNDS = [50 * 1.35**step for step in range(20)]
EPSILONS = [0.1 * 1.25**step for step in range(18)]


def bounds(study: vo.Study) -> Chart:
    """Noise, bias and both together of a mean, over the upper bound of its values."""
    made_up = random.Random(1)  # noqa: S311  (made-up costs)
    costs = [made_up.lognormvariate(4.1, 1.1) for _ in range(200_000)]
    mean = sum(costs) / len(costs)
    # The error of a mean between 0 and 500 at one price, for 1,000 rows; noise is in proportion.
    query = study.table("visits").agg(cost=vo.mean("cost")).share("20%")
    per_unit = query.preview().errors["cost"] / 500 / 1.96
    noise, bias, both = [], [], []
    for step, bound in enumerate(BOUNDS):
        x = step / (len(BOUNDS) - 1)
        cut = mean - sum(min(cost, bound) for cost in costs) / len(costs)
        noise.append((x, per_unit * bound))
        bias.append((x, cut))
        both.append((x, math.hypot(per_unit * bound, cut)))
    labels = [(step / 19, f"{BOUNDS[step]:,.0f}") for step in range(0, 20, 3)]
    return Chart(
        "error of a mean (dollars)",
        lines=[("together", both), ("noise", noise), ("cut off", bias)],
        x_labels=labels,
    )


def epsilon(study: vo.Study) -> Chart:
    """The error of a count of people over epsilon."""
    people = study.table("visits").agg(people=vo.count_units())
    errors = [people.epsilon(f"{one:.4f}").preview().errors["people"] for one in EPSILONS]
    points = [(step / (len(errors) - 1), error) for step, error in enumerate(errors)]
    labels = [(step / 17, f"{EPSILONS[step]:.2f}") for step in range(0, 18, 3)]
    return Chart("people: half of the 95% interval", lines=[("error", points)], x_labels=labels)


def main() -> None:
    """Write the pictures beside this file."""
    study = vo.demo("out/voilage-demo").project("demo")
    bounds(study).save(HERE / "bounds.svg")
    epsilon(study).save(HERE / "epsilon.svg")


if __name__ == "__main__":
    main()
