#!/usr/bin/env python3
"""Records Clopper-Pearson bounds as scipy gives them (PyPI: scipy 1.17.1), for `src/stats/bounds.txt`.

Writes lines `k n confidence lower upper` to the file named first, as many as the second argument says; the third is the seed.
"""

import random
import sys

from scipy.stats import beta


def main():
    random.seed(int(sys.argv[3]) if len(sys.argv) > 3 else 5)
    with open(sys.argv[1], "w") as out:
        for _ in range(int(sys.argv[2])):
            n = round(10 ** random.uniform(0, 6))
            # The ends, where bounds are told apart, as often as the middle.
            k = random.choice([0, n, random.randint(0, min(n, 20)), n - random.randint(0, min(n, 20)), random.randint(0, n)])
            confidence = random.choice([0.8, 0.9, 0.95, 0.975, 0.99, 0.999])
            lower = beta.ppf(1 - confidence, k, n - k + 1) if k > 0 else 0.0
            upper = beta.ppf(confidence, k + 1, n - k) if k < n else 1.0
            out.write(f"{k} {n} {confidence} {float(lower)!r} {float(upper)!r}\n")


if __name__ == "__main__":
    main()
