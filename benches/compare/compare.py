"""Asks the same questions of the same claims of Voilage and its rivals, interleaved in one run.

    python benches/compare/compare.py --rows 10000000 --runs 5

Every system is a process of its own that stays alive, so that no start-up is measured. In each
round every system answers every question once, in a rotating order: what disturbs the machine
disturbs all of them. Wall time is taken inside the process; CPU time and the peak of memory come
from the operating system.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PLACE = ROOT / "target" / "compare"
QUESTIONS = {
    "Q1": "count by 18 regions",
    "Q2": "count, sum, mean by 2,000 diagnoses, learned keys",
    "Q3": "count by 1 M providers, learned keys",
    "Q4": "median and 90th percentile by 18 regions",
    "Q5": "patients by diagnosis, learned keys",
}
# Over these the geometric mean is taken.
GROUP_BY = ("Q1", "Q2", "Q3", "Q5")
# What accuracy is measured by, where it is not the count.
MEASURED = {"Q4": "median"}
PRIVATE = ("voilage", "opendp")
# A round of these takes minutes.
SLOW = ("duckdb-bounded", "opendp")
TICKS = os.sysconf("SC_CLK_TCK")


class Worker:
    """A system's process."""

    def __init__(self, name: str, command: list[str]) -> None:
        self.name = name
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
        )
        self.alive = self.read() is not None

    def read(self) -> dict | None:
        line = self.process.stdout.readline() if self.process.stdout else ""
        return json.loads(line) if line else None

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def peak_gib(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        kib = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
        return kib / 2**20

    def ask(self, question: str) -> dict | None:
        if not self.alive or self.process.stdin is None:
            return None
        # Forgets the peak so far.
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")
        before = self.cpu_s()
        self.process.stdin.write(question + "\n")
        self.process.stdin.flush()
        answer = self.read()
        if answer is None:
            self.alive = False
            return {"error": "the process ended"}
        if "error" in answer:
            return answer
        return answer | {"cpu_s": self.cpu_s() - before, "peak_gib": self.peak_gib()}


def workers(rows: int) -> list[Worker]:
    data = PLACE / "data"
    data.mkdir(parents=True, exist_ok=True)
    # The first one writes the claims, which the others read.
    voilage = Worker(
        "voilage", [str(ROOT / "target/debug/voilage_worker"), str(data), str(rows), "arrival"]
    )
    claims = str(data / f"claims-{rows}.parquet")
    rival = str(HERE / "worker.py")
    python = {
        name: str(PLACE / venv / "bin" / "python")
        for name, venv in [("polars", "venv"), ("opendp", "venv-opendp")]
    }
    rivals = [
        Worker(name, [python.get(name, python["polars"]), rival, name, claims])
        for name in ("duckdb", "duckdb-bounded", "polars", "datafusion", "opendp")
    ]
    return [voilage, *rivals]


def released(system: str, question: str, answer: dict) -> dict[object, float]:
    name = MEASURED.get(question, "n")
    if system == "voilage":
        columns = dict(zip(answer["names"], answer["columns"], strict=True))
        return dict(zip(answer["columns"][0], columns[name], strict=True))
    return dict(zip(answer["keys"], answer["values"][name], strict=True))


def rmse(found: dict, truth: dict, keys: set) -> float:
    return math.sqrt(sum((found[key] - truth[key]) ** 2 for key in keys) / max(len(keys), 1))


def row(values: list[float], digits: int) -> str:
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"


def report(results: dict, answers: dict, errors: dict, names: list[str], rows: int) -> str:
    lines = [
        f"# {rows:,} claims, {os.cpu_count()} cores, median (least-most) of interleaved runs",
        "",
    ]
    for title, measure, digits in [
        ("Wall time, s", "wall_s", 3),
        ("CPU time, s", "cpu_s", 2),
        ("Peak memory, GiB", "peak_gib", 2),
    ]:
        lines += [
            f"## {title}",
            "",
            "| system | " + " | ".join(QUESTIONS) + " |",
            "|---" * (1 + len(QUESTIONS)) + "|",
        ]
        for name in names:
            cells = [
                row(results[name, q][measure], digits)
                if results[name, q]
                else errors.get((name, q), "-")[:60]
                for q in QUESTIONS
            ]
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
        lines.append("")
    lines += [
        "## Voilage's wall time over a system's, run by run",
        "",
        "| system | " + " | ".join(QUESTIONS) + f" | geometric mean of {', '.join(GROUP_BY)} |",
        "|---" * (2 + len(QUESTIONS)) + "|",
    ]
    for name in names:
        if name == "voilage":
            continue
        cells, middles = [], []
        for q in QUESTIONS:
            pairs = (
                list(zip(results["voilage", q]["wall_s"], results[name, q]["wall_s"], strict=False))
                if results[name, q]
                else []
            )
            ratios = [ours / theirs for ours, theirs in pairs]
            cells.append(row(ratios, 2) if ratios else "-")
            middles += [statistics.median(ratios)] if ratios and q in GROUP_BY else []
        mean = f"{statistics.geometric_mean(middles):.2f}" if middles else "-"
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {mean} |")
    lines += [
        "",
        "## Accuracy at epsilon 1, delta 1e-8, 4 groups per patient, 3 rows per group",
        "",
        "Root-mean-square distance of released counts (Q4: medians) from those without bounds or "
        "noise, over the keys that every private system released; in brackets from those that "
        "bounding alone leaves.",
        "",
        "| system | " + " | ".join(QUESTIONS) + " |",
        "|---" * (1 + len(QUESTIONS)) + "|",
    ]
    for name in PRIVATE:
        cells = []
        for q in QUESTIONS:
            mine = answers.get((name, q))
            if mine is None:
                cells.append("-")
                continue
            released = [set(answers[other, q]) for other in PRIVATE if (other, q) in answers]
            truth, bounded = answers["duckdb", q], answers.get(("duckdb-bounded", q), {})
            common = set.intersection(*released) & set(truth) & set(bounded)
            cells.append(
                f"{len(mine)} keys, error {rmse(mine, truth, common):.0f} "
                f"({rmse(mine, bounded, common):.0f}) on {len(common)}"
            )
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def plot(results: dict, names: list[str], rows: int, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        1, len(QUESTIONS), figsize=(4 * len(QUESTIONS), 3.6), sharex=True, sharey=True
    )
    for axis, (question, title) in zip(axes, QUESTIONS.items(), strict=True):
        for place, name in enumerate(reversed(names)):
            walls = results[name, question]["wall_s"] if results[name, question] else []
            if walls:
                # Points, not bars: a logarithmic axis has no zero for a bar to start at.
                colour = "#1f5fa8" if name == "voilage" else "#6b6b6b"
                axis.plot([min(walls), max(walls)], [place, place], color=colour, linewidth=2)
                axis.plot(statistics.median(walls), place, "o", color=colour, markersize=8)
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axis.grid(axis="x", color="#dddddd")
        axis.set_axisbelow(True)
        axis.set_title(f"{question}: {title}", fontsize=8)
        axis.set_xlabel("seconds")
        axis.set_yticks(range(len(names)), list(reversed(names)))
    figure.suptitle(f"{rows:,} claims: wall time, median and range", fontsize=10)
    figure.tight_layout()
    figure.savefig(path, dpi=130)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument(
        "--slow-runs",
        type=int,
        default=2,
        help="rounds in which opendp and duckdb-bounded take part",
    )
    parser.add_argument("--without", nargs="*", default=[], help="systems to leave out")
    options = parser.parse_args()
    systems = [system for system in workers(options.rows) if system.name not in options.without]
    names = [system.name for system in systems]
    results: dict = defaultdict(lambda: defaultdict(list))
    answers: dict = {}
    errors: dict = {}
    for run in range(options.runs + 1):
        for question in QUESTIONS:
            turn = run % len(systems)
            for system in systems[turn:] + systems[:turn]:
                if (system.name, question) in errors:
                    continue
                if system.name in SLOW and run > options.slow_runs:
                    continue
                answer = system.ask(question)
                if answer is None or "error" in answer:
                    errors[system.name, question] = (answer or {}).get("error", "did not start")
                    print(
                        f"{system.name} {question}: {errors[system.name, question]}",
                        file=sys.stderr,
                    )
                    continue
                answers[system.name, question] = released(system.name, question, answer)
                # The first round warms caches up.
                for measure in ("wall_s", "cpu_s", "peak_gib"):
                    if run > 0:
                        results[system.name, question][measure].append(answer[measure])
        print(f"round {run} of {options.runs} done", file=sys.stderr)
    for system in systems:
        system.process.terminate()
    text = report(results, answers, errors, names, options.rows)
    (PLACE / f"report-{options.rows}.md").write_text(text)
    plot(results, names, options.rows, PLACE / f"report-{options.rows}.png")
    print(text)


if __name__ == "__main__":
    main()
