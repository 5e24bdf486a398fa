"""Writes payments.csv, the undrifted table of T09 and T10: `python3 make.py > payments.csv`. Always the same rows."""

import random
import sys

rows = random.Random(20261126)
out = sys.stdout
out.write("payment,amount,age,hour,country,device,fraud\n")
for payment in range(2400):
    amount = round(rows.lognormvariate(3.2, 0.8), 2)
    age = "" if rows.random() < 0.03 else str(max(18, round(rows.gauss(41, 12))))
    hour = round(rows.triangular(0, 24, 17), 2)
    country = rows.choices(["DE", "FR", "IT", "ES", "NL"], [40, 25, 18, 12, 5])[0]
    device = rows.choices(["phone", "browser", "terminal"], [6, 3, 1])[0]
    fraud = "yes" if rows.random() < (0.12 if amount > 60 else 0.03) else "no"
    out.write(f"{payment},{amount},{age},{hour},{country},{device},{fraud}\n")
