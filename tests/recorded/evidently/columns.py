"""Writes columns.json beside this file: pairs of columns and Evidently's scores for them.

Made with evidently 0.7.23, pandas 2.3.3, scipy 1.17.1: `pip install evidently==0.7.23 'pandas<3'`, then
`python3 columns.py`. An exception of Evidently's is recorded as null.
"""
import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from evidently.legacy.calculations.stattests import registry
from evidently.legacy.calculations.stattests import *  # noqa: F403 (registers the methods)
from evidently.legacy.core import ColumnType

warnings.simplefilter("ignore")
rng = np.random.default_rng(21)
METHODS = ["ks", "wasserstein", "psi", "jensenshannon", "kl_div", "hellinger", "ed", "chisquare", "z", "fisher_exact",
           "g_test", "anderson", "cramer_von_mises", "es", "mannw", "t_test", "TVD", "empirical_mmd"]
NUM, CAT = ColumnType.Numerical, ColumnType.Categorical


def numeric():
    for n, m in [(50, 50), (300, 200), (1200, 150)]:
        yield f"normal {n}/{m}", rng.normal(0, 1, n), rng.normal(0.2, 1, m)
        yield f"lognormal {n}/{m}", rng.lognormal(0, 1, n), rng.lognormal(0.3, 1, m)
        yield f"same {n}/{m}", rng.normal(5, 2, n), rng.normal(5, 2, m)
        yield f"few values {n}/{m}", rng.integers(0, 4, n).astype(float), rng.integers(0, 5, m).astype(float)
        yield f"missing {n}/{m}", np.where(rng.random(n) < 0.1, np.nan, rng.normal(0, 1, n)), np.where(
            rng.random(m) < 0.4, np.inf, rng.normal(0, 1, m))


def categorical():
    for n, m in [(60, 60), (200, 200), (400, 200), (1500, 300)]:
        yield f"two {n}/{m}", rng.choice(["a", "b"], n), rng.choice(["a", "b"], m, p=[0.6, 0.4])
        yield f"five {n}/{m}", rng.choice(list("abcde"), n), rng.choice(list("abcde"), m)
        yield f"new {n}/{m}", rng.choice(list("abc"), n), rng.choice(list("abcd"), m)



def case(name, ref, cur, kind):
    ref, cur = pd.Series(ref), pd.Series(cur)
    clean = lambda s: s.replace([np.inf, -np.inf], np.nan).dropna()  # noqa: E731
    scores = {}
    for method in METHODS:
        if method in ("TVD", "empirical_mmd") and len(ref) > 400:
            continue
        try:
            test = registry.get_stattest(clean(ref), clean(cur), kind, method)
        except registry.StatTestInvalidFeatureTypeError:
            continue
        try:
            r = test(clean(ref), clean(cur), kind, None)
            scores[method] = None if r.drift_score != r.drift_score else [float(r.drift_score), bool(r.drifted)]
        except Exception:
            scores[method] = None
    out = lambda s: [None if v != v or v in (np.inf, -np.inf) else v for v in s.tolist()]  # noqa: E731
    return {"name": name, "kind": "numeric" if kind == NUM else "categorical", "reference": out(ref), "current": out(cur),
            "default": registry.get_stattest(clean(ref), clean(cur), kind, None).name, "scores": scores}


cases = [case(*c, NUM) for c in numeric()] + [case(*c, CAT) for c in categorical()]
Path(__file__).with_suffix(".json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")
