"""Rows are never lost silently: whatever is odd in a CSV file is reported or stops the script."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pytest

import prepare
from prepare import PreparationError, Report

HEADER = "person_id,death_date,death_datetime,death_type_concept_id,cause_concept_id"


def read(
    folder: Path, text: str, monkeypatch: pytest.MonkeyPatch, rows: int
) -> tuple[pa.Table, list[str]]:
    """Read ``text`` as the table DEATH, which is known to have ``rows`` rows."""
    monkeypatch.setitem(prepare.CDM_ROWS, "death", rows)
    path = folder / "DEATH.csv"
    path.write_bytes(text.encode())
    report = Report("death")
    return prepare.read_cdm_table(path, report), report.remarks


def test_types_and_missing_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dates, both formats of timestamps, empty fields, and columns that the file lacks."""
    text = f"{HEADER}\r\n7,2025-10-06,2025-10-06,1,\r\n8,,2025-10-06 12:30:00,,2\r\n"
    table, remarks = read(tmp_path, text, monkeypatch, rows=2)
    assert table["death_date"].to_pylist() == [date(2025, 10, 6), None]
    midday = datetime(2025, 10, 6, 12, 30)
    assert table["death_datetime"].to_pylist() == [datetime(2025, 10, 6), midday]
    assert table["cause_source_value"].to_pylist() == [None, None]
    assert "the file lacks cause_source_value, cause_source_concept_id: NULL" in remarks
    assert "death_datetime: 1 dates without a time, read as midnight" in remarks


def test_fields_that_do_not_fit_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bad field costs the field, never the row."""
    text = f"{HEADER}\n7,2025-13-06,,1e3,\n8,06.10.2025,,2,\n"
    table, remarks = read(tmp_path, text, monkeypatch, rows=2)
    assert table.num_rows == 2
    assert table["death_type_concept_id"].to_pylist() == [None, 2]
    assert "death_date: 2 fields do not fit, NULL: '2025-13-06', '06.10.2025'" in remarks
    assert "death_type_concept_id: 1 fields do not fit, NULL: '1e3'" in remarks


def test_rows_of_another_length_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty surplus fields, missing fields and blank lines are counted."""
    text = f"{HEADER}\n7,2025-10-06,,1,2,,,\n\n8,2025-10-06\n"
    table, remarks = read(tmp_path, text, monkeypatch, rows=2)
    assert table["person_id"].to_pylist() == [7, 8]
    assert "1 rows had 3 fields too many, all empty: dropped" in remarks
    assert "1 rows had too few fields: filled with NULL" in remarks
    assert "1 blank lines: not rows" in remarks


def test_values_beyond_the_header_stop_the_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A value that belongs to no column is not dropped."""
    with pytest.raises(PreparationError, match=r"DEATH\.csv, record 2: a value stands beyond"):
        read(tmp_path, f"{HEADER}\n7,2025-10-06,,1,2,lost\n", monkeypatch, rows=1)


def test_a_missing_row_stops_the_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of rows is known beforehand."""
    with pytest.raises(PreparationError, match="has 1 rows, expected 2"):
        read(tmp_path, f"{HEADER}\n7,2025-10-06,,1,2\n", monkeypatch, rows=2)


def test_unknown_and_repeated_columns_stop_the_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A header is never guessed; blanks around a name are removed and reported."""
    with pytest.raises(PreparationError, match="shoe_size"):
        read(tmp_path, "person_id,shoe_size\n7,44\n", monkeypatch, rows=1)
    with pytest.raises(PreparationError, match="named twice"):
        read(tmp_path, "person_id,person_id\n7,8\n", monkeypatch, rows=1)
    _, remarks = read(tmp_path, "person_id ,death_date\n7,\n", monkeypatch, rows=1)
    assert "blanks around the column names person_id removed" in remarks


def test_unchanged_files_are_not_written_again(tmp_path: Path) -> None:
    """The second run leaves the same bytes and the same file."""
    content = pa.table({"person_id": pa.array([1, 2], pa.int64())})
    path = tmp_path / "death.parquet"
    first, second = Report("death", rows_read=2), Report("death", rows_read=2)
    prepare.write_parquet(content, path, first)
    before = path.stat().st_ino
    prepare.write_parquet(content, path, second)
    assert (first.written, second.written) == (True, False)
    assert path.stat().st_ino == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["death.parquet"]
