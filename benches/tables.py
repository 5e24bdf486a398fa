#!/usr/bin/env python3
"""The eight checks of `data.check` over 5 million rows, beside one lazy query of polars, Great Expectations, Soda and
Pandera; memory over a gigabyte of CSV and over 100 million rows; checks that a file's own statistics prove.

The peers are installed with pip into a folder of this script's own (`--peers`, kept when named). Processor time is what
is compared, the start of each program with it: wall times depend on what else a machine does. `--only` picks parts:
`peers`, `csv`, `many`, `proved`. With `--folder` the tables are made there and kept, so that parts can be run one by one.
"""

import contextlib
import pathlib
import subprocess
import sys
import venv

import common

PINS = {
    "polars": ["polars==2.1.0", "numpy"],
    "gx": ["great_expectations==1.24.1", "pyarrow"],
    "soda": ["soda-core-duckdb==3.5.6"],
    "pandera": ["pandera[polars]==0.35.0"],
}

CHECKS = """\
        - row_count: {min: 1000}
        - not_null: {column: id}
        - not_null: {column: amount}
        - unique: {columns: [id]}
        - between: {column: qty, min: 0, max: 100}
        - in_set: {column: country, values: [DE, FR, IT, ES, PL, NL]}
        - matches: {column: email, pattern: '^[a-z0-9.]+@[a-z0-9]+[.](com|org|net)$'}
        - mean: {column: amount, min: 40, max: 60}
"""
PROVED = """\
        - row_count: {min: 1000}
        - not_null: {column: id}
        - not_null: {column: qty}
        - between: {column: qty, min: 0, max: 100}
"""
# What is not known from a row alone: repeated texts and pairs, numbers of different values, the middle, scores.
COUNTED = """\
        - unique: {columns: [email]}
        - unique: {columns: [id, created]}
        - distinct_count: {column: country, min: 6, max: 6}
        - median: {column: amount, min: 49, max: 51}
        - z_score: {column: amount, below: 9}
"""
SPEC = """\
specrun: 1
id: D01
title: Eight checks
category: data
tools: [data]
steps:
  - id: table
    data.check:
      table: {{path: {table}}}
      checks:
{checks}
    timeout: 30m
expect:
  - table.failed == 0
  - table.inconclusive == 0
  - table.rows == {rows}
"""

MAKE = """\
import sys, numpy as np, polars as pl
rows, parts, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
rng = np.random.default_rng(1)
def part(i):
    n = rows // parts
    start = i * n
    ids = np.arange(start, start + n)
    rng.shuffle(ids)
    return pl.DataFrame({
        "id": ids,
        "amount": rng.normal(50, 15, n),
        "qty": rng.integers(0, 101, n),
        "country": rng.choice(["DE", "FR", "IT", "ES", "PL", "NL"], n),
        "email": pl.Series(ids).cast(pl.String) + "@example.com",
        "created": pl.Series(rng.integers(1_700_000_000_000_000, 1_760_000_000_000_000, n)).cast(pl.Datetime("us")),
    })
for i in range(parts):
    name = path.replace("#", f"{i:03}")
    frame = part(i)
    frame.write_csv(name) if name.endswith(".csv") else frame.write_parquet(name, compression="zstd")
"""

POLARS = """\
import sys, polars as pl
c = pl.col
got = pl.scan_parquet(sys.argv[1]).select(
    pl.len().alias("rows"),
    c("id").is_null().sum().alias("id"),
    c("amount").is_null().sum().alias("amount"),
    c("id").is_duplicated().sum().alias("twice"),
    (~c("qty").is_between(0, 100)).sum().alias("qty"),
    (~c("country").is_in(["DE", "FR", "IT", "ES", "PL", "NL"])).sum().alias("country"),
    (~c("email").str.contains(r"^[a-z0-9.]+@[a-z0-9]+[.](com|org|net)$")).sum().alias("email"),
    c("amount").mean().alias("mean"),
).collect(engine="streaming").row(0, named=True)
mean = got.pop("mean")
assert got.pop("rows") > 1000 and 40 <= mean <= 60 and not any(got.values()), got
"""

GX = """\
import sys, pandas as pd, great_expectations as gx
frame = pd.read_parquet(sys.argv[1])
context = gx.get_context(mode="ephemeral")
context.variables.progress_bars = {"globally": False}
batch = context.data_sources.add_pandas("p").add_dataframe_asset("a").add_batch_definition_whole_dataframe("b")
e = gx.expectations
suite = gx.ExpectationSuite(name="s", expectations=[
    e.ExpectTableRowCountToBeBetween(min_value=1000),
    e.ExpectColumnValuesToNotBeNull(column="id"),
    e.ExpectColumnValuesToNotBeNull(column="amount"),
    e.ExpectColumnValuesToBeUnique(column="id"),
    e.ExpectColumnValuesToBeBetween(column="qty", min_value=0, max_value=100),
    e.ExpectColumnValuesToBeInSet(column="country", value_set=["DE", "FR", "IT", "ES", "PL", "NL"]),
    e.ExpectColumnValuesToMatchRegex(column="email", regex=r"^[a-z0-9.]+@[a-z0-9]+[.](com|org|net)$"),
    e.ExpectColumnMeanToBeBetween(column="amount", min_value=40, max_value=60),
])
result = batch.get_batch({"dataframe": frame}).validate(suite, result_format="BOOLEAN_ONLY")
assert result.success, result
"""

PANDERA = """\
import sys, polars as pl, pandera.polars as pa
frame = pl.read_parquet(sys.argv[1])
assert frame.height > 1000 and 40 <= frame["amount"].mean() <= 60
pa.DataFrameSchema({
    "id": pa.Column(int, unique=True, nullable=False),
    "amount": pa.Column(float, nullable=False),
    "qty": pa.Column(int, pa.Check.in_range(0, 100)),
    "country": pa.Column(str, pa.Check.isin(["DE", "FR", "IT", "ES", "PL", "NL"])),
    "email": pa.Column(str, pa.Check.str_matches(r"^[a-z0-9.]+@[a-z0-9]+[.](com|org|net)$")),
}).validate(frame, lazy=True)
"""

SODA = """\
import sys, duckdb
from soda.scan import Scan
db = duckdb.connect()
db.execute(f"create view orders as select * from read_parquet('{sys.argv[1]}')")
scan = Scan()
scan.disable_telemetry() if hasattr(scan, "disable_telemetry") else None
scan.add_duckdb_connection(db)
scan.set_data_source_name("duckdb")
scan.add_sodacl_yaml_str('''
checks for orders:
  - row_count > 1000
  - missing_count(id) = 0
  - missing_count(amount) = 0
  - duplicate_count(id) = 0
  - invalid_count(qty) = 0:
      valid min: 0
      valid max: 100
  - invalid_count(country) = 0:
      valid values: [DE, FR, IT, ES, PL, NL]
  - invalid_count(email) = 0:
      valid regex: ^[a-z0-9.]+@[a-z0-9]+[.](com|org|net)$
  - avg(amount) between 40 and 60
''')
code = scan.execute()
assert code == 0, scan.get_logs_text()
"""


def main():
    args = common.arguments(
        __doc__, rows=5_000_000, many=100_000_000, rounds=3, peers="", folder="", only="peers,proved,csv,many"
    )
    limits = common.Limits()
    parts = args.only.split(",")
    with contextlib.nullcontext(args.folder) if args.folder else common.project() as folder:
        root = pathlib.Path(folder).resolve()
        home = pathlib.Path(args.peers or root / "peers").resolve()

        def python(peer):
            where = home / peer
            if not (where / "bin/python").exists():
                venv.create(where, with_pip=True)
                subprocess.run([where / "bin/pip", "install", "-q", *PINS[peer]], check=True)
            return str(where / "bin/python")

        def make(rows, parts, name):
            if (root / name.replace("#", f"{parts - 1:03}")).exists():
                return
            (root / "make.py").write_text(MAKE)
            subprocess.run([python("polars"), "make.py", str(rows), str(parts), name], cwd=root, check=True)

        def specrun(table, rows, checks):
            (root / "D01.yaml").write_text(SPEC.format(table=table, rows=rows, checks=checks.rstrip()))
            return [args.specrun, "run", "D01.yaml", "--report", "json=out.json"]

        def best(command, expected=0):
            """The least processor time of some rounds, the most memory."""
            found = []
            for _ in range(args.rounds):
                code, (out, err), _, memory = common.timed(command, root, {"DO_NOT_TRACK": "1", "GX_ANALYTICS_ENABLED": "false"})
                if code != expected:
                    print(out[-3000:], err[-3000:])
                    limits.must(f"{command[0]} ends with {expected}", False)
                    return float("inf"), memory
                found.append((common.timed.cpu, memory))
            return min(f[0] for f in found), max(f[1] for f in found)

        if "peers" in parts or "proved" in parts:
            make(args.rows, 1, "orders.parquet")
        if "peers" in parts:
            ours, memory = best(specrun("orders.parquet", args.rows, CHECKS))
            print(f"eight checks of {args.rows} rows, processor time and peak memory")
            limits.show("specrun", ours, "s")
            limits.show("  peak memory", memory, "MiB")
            scripts = {"polars": (POLARS, 1.1), "gx": (GX, 1 / 9), "soda": (SODA, 1), "pandera": (PANDERA, 1)}
            for peer, (script, most) in scripts.items():
                (root / f"{peer}.py").write_text(script)
                theirs, memory = best([python(peer), f"{peer}.py", "orders.parquet"])
                limits.show(peer, theirs, "s")
                limits.show("  peak memory", memory, "MiB")
                limits.show(f"  specrun over {peer}", ours / theirs, "", most)
        if "proved" in parts:
            ours, _ = best(specrun("orders.parquet", args.rows, PROVED))
            (root / "polars2.py").write_text("""\
import sys, polars as pl
c = pl.col
got = pl.scan_parquet(sys.argv[1]).select(
    pl.len(), c("id").is_null().sum().alias("a"), c("qty").is_null().sum().alias("b"),
    (~c("qty").is_between(0, 100)).sum().alias("c"),
).collect(engine="streaming")
""")
            theirs, _ = best([python("polars"), "polars2.py", "orders.parquet"])
            limits.show("checks that statistics prove", ours, "s")
            limits.show("the same by a lazy query of polars", theirs, "s")
            limits.show("  specrun over polars", ours / theirs, "", 1)
        if "csv" in parts:
            make(args.rows * 13 // 5, 1, "orders.csv")
            size = (root / "orders.csv").stat().st_size / 1e9
            cpu, memory = best(specrun("orders.csv", args.rows * 13 // 5, CHECKS.replace("        - unique: {columns: [id]}\n", "")))
            limits.show(f"seven checks of {size:.2f} GB of CSV", cpu, "s")
            limits.show("  peak memory", memory, "MiB", 512)
            cpu, memory = best(specrun("orders.csv", args.rows * 13 // 5, CHECKS))
            limits.show("with the uniqueness of 13 million numbers", cpu, "s")
            limits.show("  peak memory", memory, "MiB", 512)
            cpu, memory = best(specrun("orders.csv", args.rows * 13 // 5, COUNTED))
            limits.show("repeated texts and pairs, median, scores", cpu, "s")
            limits.show("  peak memory", memory, "MiB", 512)
            if not args.folder:
                (root / "orders.csv").unlink()
        if "many" in parts:
            make(args.many, 20, "part-#.parquet")
            cpu, memory = best(specrun("part-*.parquet", args.many, CHECKS))
            limits.show(f"eight checks of {args.many} rows in 20 files", cpu, "s")
            limits.show("  peak memory", memory, "MiB", 1024)
            cpu, memory = best(specrun("part-*.parquet", args.many, COUNTED))
            limits.show("repeated texts and pairs, median, scores", cpu, "s")
            limits.show("  peak memory", memory, "MiB", 1024)
    limits.end()


if __name__ == "__main__":
    sys.exit(main())
