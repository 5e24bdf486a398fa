#!/usr/bin/env python3
"""serve.py PORT FOLDER: a Feast with fresh data in FOLDER, materialized, behind its HTTP feature server on loopback.

The data are dated from now: 500 plain customers (1 to 500) with two rows each, and the cases that tell stores apart:

    1001  two rows, the newer one counts
    1002  two rows of one time, the one created later counts
    1004  stored nulls

LAB_FAULT=stale-row adds customer 1003, whose only row is 30 days old and so beyond the view's ttl of 7 days.
LAB_CUSTOMERS is the number of plain customers.
"""

from __future__ import annotations

import os
import shutil
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

HERE = Path(__file__).resolve().parent
FAULTS = ("", "stale-row")


def data(now, fault: str):
    """The source: one row for each customer and time."""
    import pandas as pd

    def ago(days: float):
        return now - timedelta(days=days)

    rows = [
        (1001, ago(3), ago(3), 5, 10.25, "gold"),
        (1001, ago(1), ago(1), 7, 12.5, "gold"),
        (1002, ago(2), ago(2), 1, 99.9, "silver"),
        (1002, ago(2), ago(1), 2, 100.1, "silver"),
        (1004, ago(1), ago(1), None, None, None),
    ]
    if fault == "stale-row":
        rows.append((1003, ago(30), ago(30), 3, 3.3, "old"))
    for customer in range(1, int(os.environ.get("LAB_CUSTOMERS", "500")) + 1):
        if 1001 <= customer <= 1004:
            continue
        for days in (2, 1):
            amount = round(customer * 0.37 + days * 0.11, 2)
            rows.append((customer, ago(days), ago(days), customer % 17 + days, amount, ("bronze", "gold")[customer % 2]))
    frame = pd.DataFrame(rows, columns=["customer_id", "event_timestamp", "created", "n_tx_7d", "avg_amount", "segment"])
    frame["n_tx_7d"] = frame["n_tx_7d"].astype("Int64")
    frame["avg_amount"] = frame["avg_amount"].astype("float32")
    return frame


def main() -> None:
    if len(sys.argv) != 3 or not sys.argv[1].isdigit():
        sys.exit("serve.py: usage: serve.py PORT FOLDER")
    fault = os.environ.get("LAB_FAULT", "")
    if fault not in FAULTS:
        sys.exit(f"serve.py: LAB_FAULT={fault} is unknown; it can be {', '.join(f for f in FAULTS if f)}")
    port, folder = int(sys.argv[1]), Path(sys.argv[2])
    repo = folder / "repo"
    # Dates are relative to now, so nothing of an earlier start is of use.
    shutil.rmtree(repo, ignore_errors=True)
    (repo / "data").mkdir(parents=True)
    for name in ("feature_store.yaml", "features.py"):
        shutil.copy(HERE / name, repo / name)
    os.chdir(repo)
    sys.path.insert(0, str(repo))

    import uvicorn
    from feast import FeatureStore
    from feast.feature_server import get_app

    from features import EVERYTHING

    now = datetime.now(timezone.utc).replace(minute=0, second=0, microsecond=0)
    data(now, fault).to_parquet("data/customer_stats.parquet", index=False)
    store = FeatureStore(".")
    store.apply(EVERYTHING)
    store.materialize(now - timedelta(days=40), datetime.now(timezone.utc))
    uvicorn.run(get_app(store), host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main()
