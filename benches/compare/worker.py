"""One rival as a long-lived process: a question's name per line in, one line of JSON out.

    worker.py SYSTEM CLAIMS.parquet

Bounds are those of the hub file: 4 groups per patient, 3 rows per group, cost between 0 and 5,000.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

GROUPS, ROWS, COST_MAX = 4, 3, 5_000.0
KEY = {
    "Q1": "region",
    "Q2": "diagnosis",
    "Q3": "provider",
    "Q4": "region",
    "Q5": "diagnosis",
}
QUANTILES = {"median": 0.5, "p90": 0.9}
# Where a private quantile is looked for: as many equal parts as Voilage's search has.
CANDIDATES = [COST_MAX * part / 256 for part in range(257)]
Ask = Callable[[str], tuple[list, dict[str, list]]]


def values_sql(question: str, quantile: str) -> str:
    return {
        "Q1": "count(*) AS n",
        "Q2": "count(*) AS n, sum(cost) AS total, avg(cost) AS mean",
        "Q3": "count(*) AS n",
        "Q4": ", ".join(
            quantile.format(share) + f" AS {name}" for name, share in QUANTILES.items()
        ),
        "Q5": "count(DISTINCT patient) AS n",
    }[question]


EXACT_QUANTILE = "quantile_cont(cost, {})"


def plain_sql(question: str, table: str, quantile: str = EXACT_QUANTILE) -> str:
    key, values = KEY[question], values_sql(question, quantile)
    return f"SELECT {key} AS key, {values} FROM {table} GROUP BY {key}"


def bounded_sql(question: str, table: str) -> str:
    """Bounding as window functions: groups and rows ranked by a hash, the first ones kept."""
    key, values = KEY[question], values_sql(question, EXACT_QUANTILE)
    return f"""
        WITH ranked AS (
            SELECT patient, {key} AS key, least(greatest(cost, 0), {COST_MAX}) AS cost,
                dense_rank() OVER (PARTITION BY patient ORDER BY hash(patient, {key}), {key}) AS g,
                row_number() OVER (
                    PARTITION BY patient, {key} ORDER BY hash(patient, {key}, cost)) AS r
            FROM {table})
        SELECT key, {values} FROM ranked WHERE g <= {GROUPS} AND r <= {ROWS} GROUP BY key"""


def duckdb(path: str, sql: Callable[[str, str], str]) -> Ask:
    import duckdb as engine

    connection = engine.connect()

    def ask(question: str) -> tuple[list, dict[str, list]]:
        columns = connection.execute(sql(question, f"'{path}'")).fetchnumpy()
        lists = {name: column.tolist() for name, column in columns.items()}
        return lists.pop("key"), lists

    return ask


def datafusion(path: str) -> Ask:
    from datafusion import SessionContext

    context = SessionContext()
    context.register_parquet("claims", path)

    def ask(question: str) -> tuple[list, dict[str, list]]:
        # Exact where the others are: its approximation is another question.
        quantile = "percentile_cont({}) WITHIN GROUP (ORDER BY cost)"
        sql = plain_sql(question, "claims", quantile)
        columns = context.sql(sql).to_arrow_table().to_pydict()
        return columns.pop("key"), columns

    return ask


def polars(path: str) -> Ask:
    import polars as pl

    def ask(question: str) -> tuple[list, dict[str, list]]:
        values = {
            "Q1": [pl.len().alias("n")],
            "Q2": [
                pl.len().alias("n"),
                pl.col("cost").sum().alias("total"),
                pl.col("cost").mean().alias("mean"),
            ],
            "Q3": [pl.len().alias("n")],
            "Q4": [
                pl.col("cost").quantile(share, interpolation="linear").alias(name)
                for name, share in QUANTILES.items()
            ],
            "Q5": [pl.col("patient").n_unique().alias("n")],
        }[question]
        columns = pl.scan_parquet(path).group_by(pl.col(KEY[question]).alias("key")).agg(values)
        columns = columns.collect().to_dict(as_series=False)
        return columns.pop("key"), columns

    return ask


def opendp(path: str) -> Ask:
    """OpenDP's Polars interface, at epsilon 1 and delta 1e-8.

    It keeps k - 1 groups where k are asked for, so that one more is asked for. Patients by
    diagnosis are rows where each patient has one row per diagnosis. Means are sums over counts.
    Sums need a bound of the table's length.
    """
    import warnings

    import opendp.prelude as dp
    import polars as pl

    warnings.simplefilter("ignore")
    dp.enable_features("contrib", "honest-but-curious")

    def ask(question: str) -> tuple[list, dict[str, list]]:
        key = KEY[question]
        column = pl.col(key) if key == "provider" else pl.col(key).cast(pl.String)
        frame = pl.scan_parquet(path).select("patient", column, "cost")
        public = {"invariant": "keys"}
        learned = {"max_groups": 2_000, "max_length": 10**8}
        margin = {"Q1": public, "Q2": learned, "Q4": public | {"max_length": 10**8}}
        margins = [dp.polars.Margin(max_length=10**8)]
        if question in margin:
            margins.append(dp.polars.Margin(by=[key], **margin[question]))
        context = dp.Context.compositor(
            data=frame,
            privacy_unit=dp.unit_of(identifier=pl.col("patient"), contributions=1),
            privacy_loss=dp.loss_of(epsilon=1.0, delta=1e-8),
            split_evenly_over=1,
            margins=margins,
        )
        values = [dp.len(signed=True).alias("n")]
        if question == "Q4":
            cost = pl.col("cost").fill_null(0.0).fill_nan(0.0)
            # Its release of keys wants the count too.
            values += [
                cost.dp.quantile(share, candidates=CANDIDATES).alias(name)
                for name, share in QUANTILES.items()
            ]
        if question == "Q2":
            cost = pl.col("cost").fill_null(0.0).fill_nan(0.0)
            values.append(cost.dp.sum((0.0, COST_MAX)).alias("total"))
        rows = 1 if question == "Q5" else ROWS
        query = context.query().truncate_per_group(rows, by=[key])
        query = query.truncate_num_groups(GROUPS + 1, by=[key], keep="first")
        answer = query.group_by(key).agg(*values).release().collect().to_dict(as_series=False)
        return answer.pop(key), answer

    return ask


def main() -> None:
    system, path = sys.argv[1:]
    ask = {
        "duckdb": lambda: duckdb(path, plain_sql),
        "duckdb-bounded": lambda: duckdb(path, bounded_sql),
        "datafusion": lambda: datafusion(path),
        "polars": lambda: polars(path),
        "opendp": lambda: opendp(path),
    }[system]()
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        try:
            keys, values = ask(line.strip())
        except Exception as error:  # a rival that cannot is reported
            print(json.dumps({"error": f"{type(error).__name__}: {error}"[:300]}), flush=True)
            continue
        wall_s = time.perf_counter() - start
        print(json.dumps({"wall_s": wall_s, "keys": keys, "values": values}), flush=True)


if __name__ == "__main__":
    main()
