"""Takes the documentation's screenshots with headless Chromium: `python docs/pictures/shoot.py`.

On Debian: apt-get install chromium fonts-dejavu-core.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import voilage as vo
from voilage import _plots

HERE = Path(__file__).parent
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--hide-scrollbars",
]
PAGE = """<!doctype html><meta charset="utf-8"><style>
body {{ font: 14px "DejaVu Sans", sans-serif; margin: 14px; background: {back}; color: {ink} }}
table {{ border-collapse: collapse; font-size: 13px }}
td, th {{ padding: 5px 9px }}
tbody tr:nth-child(odd) {{ background: rgba(128, 128, 128, .12) }}
</style>{body}"""


def shoot(name: str, body: str, width: int, height: int, *, dark: bool = False) -> None:
    """Write one picture of a piece of HTML as a notebook would show it."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("chromium is missing: apt-get install chromium")
    colours = ("#111", "#eee") if dark else ("#fff", "#111")
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        page.write_text(PAGE.format(back=colours[0], ink=colours[1], body=body), encoding="utf-8")
        size = f"--window-size={width},{height}"
        profile = f"--user-data-dir={folder}/profile"
        picture = f"--screenshot={HERE / name}.png"
        command = [chromium, *FLAGS, size, profile, picture, page.as_uri()]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603  (our own page)


def main() -> None:
    """Write every picture beside this file."""
    study = vo.demo("out/voilage-demo").project("demo")
    visits = study.table("visits")
    by_site = visits.group_by("site").agg(people=vo.count_units(), cost=vo.mean("cost"))
    query = by_site.epsilon(0.5)
    result = query.run()
    by_code = visits.join(study.table("diagnoses"), on=("diagnosis", "code")).group_by("name")
    by_code.agg(people=vo.count_units()).share("12%").run()
    shoot("result", result._repr_html_(), 600, 190)
    shoot("result-dark", result._repr_html_(), 600, 190, dark=True)
    shoot("budget", study.budget._repr_html_(), 590, 480)
    shoot("preview", query.preview()._repr_html_(), 520, 425)
    shoot("preview-dark", query.preview()._repr_html_(), 520, 425, dark=True)
    shoot("schema", study.schema()._repr_html_(), 620, 280)
    rolled = visits.drop_nulls("site", "year").rollup("site", "year")
    totals = rolled.agg(people=vo.count_units(), old=vo.count_units().where(vo.col("age") >= 65))
    shoot("totals", totals.share("4%").run()._repr_html_(), 640, 400)
    _plots._altair_is_there = lambda: False
    shoot("plot", result.plot("people").svg, 550, 262)
    bins = visits.drop_nulls("cost").group_by(vo.histogram("cost", 0, 500, bins=10))
    costs = bins.agg(visits=vo.count()).share("2%").run()
    shoot("histogram", costs.plot("visits", bars=True).svg, 550, 262)
    shoot("bars", result.plot("people", bars=True).svg, 550, 262)


if __name__ == "__main__":
    main()
