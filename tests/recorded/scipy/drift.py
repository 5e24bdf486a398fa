"""Writes drift.json beside this file: pairs of samples and SciPy's answers for them.

Made with scipy 1.17.1 and numpy; run it again with `pip install scipy==1.17.1` and `python3 drift.py`.
"""
import json
import warnings
from pathlib import Path

import numpy as np
from scipy import stats
from scipy.spatial.distance import jensenshannon

warnings.simplefilter("ignore")
rng = np.random.default_rng(20)


def pairs():
    for n, m in [(50, 50), (100, 80), (7, 6), (12, 12), (8, 15), (30, 200), (140, 300), (400, 400)]:
        yield f"normal {n}/{m}", rng.normal(0, 1, n), rng.normal(0.3, 1, m)
    for n, m in [(60, 90), (200, 150)]:
        yield f"same {n}/{m}", rng.normal(0, 1, n), rng.normal(0, 1, m)
        yield f"far {n}/{m}", rng.normal(0, 1, n), rng.normal(4, 1, m)
        yield f"scale {n}/{m}", rng.normal(0, 1, n), rng.normal(0, 3, m)
        yield f"lognormal {n}/{m}", rng.lognormal(0, 1, n), rng.lognormal(0.2, 1, m)
        yield f"integers {n}/{m}", rng.integers(0, 9, n).astype(float), rng.integers(1, 10, m).astype(float)
        yield f"large {n}/{m}", 1e6 + rng.normal(0, 10, n), 1e6 + rng.normal(2, 10, m)
    yield "one shift", np.arange(40.0), np.arange(40.0) + 1
    yield "nested", np.arange(20.0), np.linspace(0, 19, 33)


def r(t):
    return [float(t.statistic), float(t.pvalue)]


def numeric(name, a, b):
    edges = np.histogram_bin_edges(np.concatenate([a, b]), bins="sturges")
    return {"name": name, "a": a.tolist(), "b": b.tolist(), "scipy": {
        "ks": r(stats.ks_2samp(a, b)),
        "ks_asymptotic": r(stats.ks_2samp(a, b, method="asymp")),
        "wasserstein": float(stats.wasserstein_distance(a, b)),
        "energy": float(stats.energy_distance(a, b)),
        "cramer_von_mises": r(stats.cramervonmises_2samp(a, b)),
        "anderson": r(stats.anderson_ksamp([a, b], variant="midrank")),
        "epps_singleton": r(stats.epps_singleton_2samp(a, b)),
        "mann_whitney": r(stats.mannwhitneyu(a, b)),
        "mann_whitney_less": r(stats.mannwhitneyu(a, b, alternative="less")),
        "student": r(stats.ttest_ind(a, b)),
        "welch": r(stats.ttest_ind(a, b, equal_var=False)),
        "sturges_a": np.histogram(a, edges)[0].tolist(),
    }}


def fill(p):
    low = p[p > 0].min()
    return np.where(p == 0, low / 1e6 if low <= 1e-4 else 1e-4, p)


def categorical(name, a, b):
    a, b = np.array(a), np.array(b)
    table = np.array([a, b])
    table = table[:, table.sum(axis=0) > 0]
    chi = stats.chi2_contingency(table, correction=False)
    g = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood")
    fit = stats.chisquare(b, a * b.sum() / a.sum()) if (a > 0).all() else None
    p, q = a / a.sum(), b / b.sum()
    out = {"name": name, "a": a.tolist(), "b": b.tolist(), "scipy": {
        "chi_square": [float(chi.statistic), float(chi.pvalue)],
        "g": [float(g.statistic), float(g.pvalue)],
        "chi_square_fit": r(fit) if fit else ["inf", 0.0],
        "jensen_shannon": float(jensenshannon(p, q)),
        "total_variation": float(np.abs(p - q).sum() / 2),
        "kullback_leibler": float(stats.entropy(fill(p), fill(q))),
    }}
    if len(a) == 2:
        out["scipy"]["fisher"] = r(stats.fisher_exact(table))
    return out


tables = [
    ("two", [10, 20], [15, 12]), ("two same", [50, 50], [50, 50]), ("two far", [90, 10], [20, 80]),
    ("two large", [1200, 800], [1100, 900]), ("five", [10, 20, 30, 5, 2], [12, 18, 33, 9, 1]),
    ("empty cell", [10, 0, 30], [8, 4, 20]), ("rare", [1000, 3, 1, 5], [200, 0, 2, 1]),
    ("many", list(range(1, 30)), list(range(30, 1, -1))),
]
grid = [(n, x) for n in (2, 5, 17, 100, 140, 141, 500, 5000, 60000, 250000)
        for x in (0.6 / n, 1.5 / n, 0.3 / n**0.5, 0.6 / n**0.5, 0.9 / n**0.5, 1.3 / n**0.5, 1.6 / n**0.5, 2.5 / n**0.5, 0.55, 0.97)
        if 0 < x < 1]
kolmogorov = [[n, x, float(stats.kstwo.sf(x, n))] for n, x in grid]
answers = {"kolmogorov": kolmogorov, "numeric": [numeric(*p) for p in pairs()], "categorical": [categorical(*t) for t in tables]}
Path(__file__).with_suffix(".json").write_text(json.dumps(answers, separators=(",", ":")) + "\n")
