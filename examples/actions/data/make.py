"""Makes orders.csv: the same rows every time."""

import csv
import pathlib
import random

random.seed(4)
here = pathlib.Path(__file__).parent
with (here / "orders.csv").open("w", newline="") as file:
    out = csv.writer(file, lineterminator="\n")
    out.writerow(["id", "day", "amount", "country", "email"])
    for n in range(1, 201):
        amount = "" if n % 50 == 0 else f"{random.lognormvariate(3, 0.5):.2f}"
        day = f"2026-{1 + n // 20:02}-{1 + n % 20:02}"
        out.writerow([n, day, amount, random.choice(["DE", "FR", "IT"]), f"user{n}@example.org"])
