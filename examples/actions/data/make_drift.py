"""Writes drift_reference.csv and drift_current.csv beside this file; always the same rows. In the current table the
amounts are higher, and a country is new."""

import pathlib
import random

here = pathlib.Path(__file__).parent


def write(name, seed, mean, countries):
    rows = random.Random(seed)
    lines = ["id,amount,age,country"]
    for row in range(400):
        age = "" if rows.random() < 0.05 else str(round(rows.gauss(40, 10)))
        country = rows.choices(list(countries), list(countries.values()))[0]
        lines.append(f"{row},{rows.gauss(mean, 10):.2f},{age},{country}")
    (here / name).write_text("\n".join(lines) + "\n")


write("drift_reference.csv", 1, 50, {"DE": 5, "FR": 3, "IT": 2})
write("drift_current.csv", 2, 56, {"DE": 5, "FR": 3, "IT": 2, "PL": 1})
