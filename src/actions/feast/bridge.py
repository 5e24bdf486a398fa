"""Offline values for a caller that is not Python: a query in JSON on standard input, the answer as the last line.

Run with the project's own interpreter, so that every offline store it knows can be asked.
"""

import json
import math
import sys

import pandas as pd
from feast import FeatureStore


def plain(value):
    """What JSON has for it; numpy's scalars as Python's."""
    if hasattr(value, "item"):
        value = value.item()
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return None
    return value if isinstance(value, (bool, int, float, str, list, dict)) else str(value)


query = json.load(sys.stdin)
rows = pd.DataFrame(query["entities"])
rows["event_timestamp"] = pd.to_datetime(query["at"], utc=True)
# Some engines drop rows and give the others in an order of their own.
rows["specrun_row"] = range(len(rows))
found = FeatureStore(sys.argv[1]).get_historical_features(rows, query["features"], full_feature_names=True).to_df()
names = [feature.replace(":", "__") for feature in query["features"]]
answer = [
    {"row": int(row["specrun_row"]), "values": {name: plain(row[name]) for name in names}}
    for row in found.to_dict(orient="records")
]
print("\n" + json.dumps(answer))
