#!/usr/bin/env python3
"""`drift.detect` over 200,000 rows of 20 columns, beside Evidently and a loop in numpy that sorts each column once.

The peers are installed with pip into a folder of this script's own (`--peers`, kept when named). Processor time is what
is compared, the start of each program with it.
"""

import pathlib
import subprocess
import sys
import venv

import common

PINS = {
    "evidently": ["evidently==0.7.23", "pandas<3", "pyarrow"],
    "numpy": ["numpy", "pyarrow"],
}

SPEC = """\
specrun: 1
id: D02
title: Drift of 20 columns
category: drift
tools: [drift]
steps:
  - id: drift
    drift.detect:
      reference: {path: reference.parquet}
      current: {path: current.parquet}
      plots: none
      {more}
    timeout: 30m
expect:
  - drift.drifted
  - len(drift.drifted_columns) == 11
"""

MAKE = """\
import sys, numpy as np, pyarrow as pa, pyarrow.parquet as pq
rng = np.random.default_rng(5)
rows = int(sys.argv[1])
for name, moved in [("reference", 0.0), ("current", 1.0)]:
    columns = {}
    for i in range(16):
        # Every other column of numbers moves by 0.3 standard deviations.
        columns[f"n{i:02}"] = rng.normal(moved * 0.3 * (i % 2), 1, rows)
    for i in range(4):
        p = np.array([0.4, 0.3, 0.2, 0.1])
        if moved and i < 3:
            p = p[::-1]
        columns[f"c{i}"] = rng.choice(["a", "b", "c", "d"], rows, p=p)
    pq.write_table(pa.table(columns), f"{name}.parquet", compression="zstd")
"""

EVIDENTLY = """\
import pandas as pd
from evidently import Report
from evidently.presets import DataDriftPreset
a, b = pd.read_parquet("reference.parquet"), pd.read_parquet("current.parquet")
result = Report([DataDriftPreset()]).run(b, a).dict()
drifted = result["metrics"][0]["value"]["count"]
assert drifted == 11, drifted
"""

NUMPY = """\
import numpy as np, pyarrow.parquet as pq
a, b = pq.read_table("reference.parquet"), pq.read_table("current.parquet")
drifted = 0
for name in a.column_names:
    if name.startswith("n"):
        x, y = np.sort(a[name].to_numpy()), np.sort(b[name].to_numpy())
        # The same number of rows: the Wasserstein distance is the mean distance of the sorted values.
        distance = np.abs(x - y).mean() / x.std()
    else:
        x, y = a[name].dictionary_encode().combine_chunks(), b[name].dictionary_encode().combine_chunks()
        count = lambda z: dict(zip(z.dictionary.to_pylist(), np.bincount(z.indices.to_numpy())))
        p, q = count(x), count(y)
        keys = sorted(set(p) | set(q))
        p = np.array([p.get(k, 0) for k in keys]) / len(x)
        q = np.array([q.get(k, 0) for k in keys]) / len(y)
        m = (p + q) / 2
        distance = np.sqrt(((p * np.log(p / m)).sum() + (q * np.log(q / m)).sum()) / 2)
    drifted += distance >= 0.1
assert drifted == 11, drifted
"""


def main():
    args = common.arguments(__doc__, rows=200_000, rounds=5, peers="")
    limits = common.Limits()
    with common.project() as folder:
        root = pathlib.Path(folder)
        home = pathlib.Path(args.peers or root / "peers").resolve()

        def python(peer):
            where = home / peer
            if not (where / "bin/python").exists():
                venv.create(where, with_pip=True)
                subprocess.run([where / "bin/pip", "install", "-q", *PINS[peer]], check=True)
            return str(where / "bin/python")

        def best(command):
            found = []
            for _ in range(args.rounds):
                code, (out, err), _, memory = common.timed(command, root, {"DO_NOT_TRACK": "1"})
                if code != 0:
                    print(out[-3000:], err[-3000:])
                    limits.must(f"{command[0]} ends with 0", False)
                    return float("inf"), memory
                found.append((common.timed.cpu, memory))
            return min(f[0] for f in found), max(f[1] for f in found)

        (root / "make.py").write_text(MAKE)
        subprocess.run([python("numpy"), "make.py", str(args.rows)], cwd=root, check=True)
        print(f"drift of 20 columns of {args.rows} rows, processor time and peak memory")
        figures = {}
        for name, more in [("specrun", ""), ("specrun, compat: evidently", "compat: evidently")]:
            (root / "D02.yaml").write_text(SPEC.replace("{more}", more))
            figures[name], memory = best([args.specrun, "run", "D02.yaml"])
            limits.show(name, figures[name], "s")
            limits.show("  peak memory", memory, "MiB")
        for peer, script, rate in [("evidently", EVIDENTLY, 1 / 30), ("numpy", NUMPY, 1.5)]:
            (root / f"with_{peer}.py").write_text(script)
            theirs, memory = best([python(peer), f"with_{peer}.py"])
            limits.show(peer, theirs, "s")
            limits.show("  peak memory", memory, "MiB")
            for name, ours in figures.items():
                limits.show(f"  {name} over {peer}", ours / theirs, "", rate)
    limits.end()


if __name__ == "__main__":
    sys.exit(main())
