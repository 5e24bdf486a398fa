"""Writes together.json beside this file: pairs of tables and what numpy and scikit-learn say of them.

Made with numpy 2.4 and scikit-learn 1.9: `pip install numpy scikit-learn` and `python3 together.py`. Each is written another
way than in specrun: the discrepancy from scikit-learn's kernel over whole blocks, the classifier from scikit-learn's
ridge regression fitted anew for each fold, its area under the curve from scikit-learn. The last is the p-value of many
random regroupings, which agrees but for its noise.
"""
import json
from pathlib import Path

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score
from sklearn.metrics.pairwise import euclidean_distances, rbf_kernel

FOLDS = 5


def width(rows):
    squared = euclidean_distances(rows, squared=True)[np.triu_indices(len(rows), 1)]
    # The upper of the two middle values, as specrun takes it.
    return np.sort(squared)[len(squared) // 2]


def mmd(rows, labels, gamma):
    a, b = rows[labels], rows[~labels]
    kaa, kbb, kab = rbf_kernel(a, a, gamma), rbf_kernel(b, b, gamma), rbf_kernel(a, b, gamma)
    n, m = len(a), len(b)
    within = (kaa.sum() - n) / (n * (n - 1)) + (kbb.sum() - m) / (m * (m - 1))
    return within - 2 * kab.mean()


def area(rows, labels):
    second = ~labels
    y = second - second.mean()
    fold = np.arange(len(rows)) % FOLDS
    score = np.empty(len(rows))
    for f in range(FOLDS):
        model = Ridge(alpha=1.0, fit_intercept=False, solver="cholesky").fit(rows[fold != f], y[fold != f])
        score[fold == f] = rows[fold == f] @ model.coef_
    return roc_auc_score(second, score)


def permuted(statistic, labels, rng, rounds):
    observed = statistic(labels)
    at_least = sum(statistic(rng.permutation(labels)) >= observed - 1e-12 for _ in range(rounds))
    return (at_least + 1) / (rounds + 1)


def main():
    rng = np.random.default_rng(4)
    correlated = rng.multivariate_normal([0, 0], [[1, 0.9], [0.9, 1]], 60)
    cases = {
        "shift": (rng.normal(0, 1, (40, 3)), rng.normal(0.8, 1, (50, 3))),
        "same": (rng.normal(0, 1, (60, 2)), rng.normal(0, 1, (60, 2))),
        "small shift": (rng.normal(0, 1, (80, 2)), rng.normal(0.25, 1, (80, 2))),
        "broken correlation": (correlated, rng.normal(0, 1, (60, 2))),
        "ties": (rng.integers(0, 3, (30, 2)).astype(float), rng.integers(1, 4, (25, 2)).astype(float)),
    }
    out = []
    for name, (a, b) in cases.items():
        rows = np.vstack([a, b])
        labels = np.arange(len(rows)) < len(a)
        gamma = 1 / width(rows)
        out.append({
            "name": name, "a": a.tolist(), "b": b.tolist(),
            "mmd": mmd(rows, labels, gamma),
            "mmd_p": permuted(lambda l: mmd(rows, l, gamma), labels, rng, 4000),
            "auc": area(rows, labels),
            "auc_p": permuted(lambda l: area(rows, l), labels, rng, 1000),
        })
    Path(__file__).with_suffix(".json").write_text("[" + ",\n".join(json.dumps(c) for c in out) + "]\n")


if __name__ == "__main__":
    main()
