"""train.py: one small training run, logged to MLflow, with a gate before the registry.

Trains a fraud classifier on made-up card payments (seeded, so the same seed gives the same model), logs accuracy,
parameters, the data set and where the code came from, and registers the model when its accuracy reaches the
threshold. Prints one JSON line: run_id, model_id, accuracy, version (null when it was not registered).

Needs MLFLOW_TRACKING_URI. LAB_FAULT breaks it on purpose, so that specs can be seen to fail:
  gate-open    the threshold is ignored
  gate-shut    nothing is ever registered
  no-commit    the commit is not logged
  no-dataset   the data set is not logged
  no-approver  nobody is named as approver
  no-seed      the seed is not passed on to what draws random numbers
"""

import argparse
import json
import os
import sys

FAULTS = ("gate-open", "gate-shut", "no-commit", "no-dataset", "no-approver", "no-seed")


def main() -> None:
    arguments = read_arguments()
    fault = os.environ.get("LAB_FAULT", "")
    if fault and fault not in FAULTS:
        sys.exit(f"train.py: LAB_FAULT={fault} is unknown; it can be {', '.join(FAULTS)}")
    if "MLFLOW_TRACKING_URI" not in os.environ:
        sys.exit("train.py: MLFLOW_TRACKING_URI is not set")

    # Standard output is for the one line at the end.
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
    # After the arguments, because these imports take seconds.
    import mlflow
    import mlflow.sklearn
    from mlflow.models import infer_signature
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split

    mlflow.set_experiment(arguments.experiment)
    # None draws another seed each time.
    seed = None if fault == "no-seed" else arguments.seed
    features, labels = payments(seed, arguments.flip)
    x_train, x_test, y_train, y_test = train_test_split(features, labels, random_state=seed)
    with mlflow.start_run() as run:
        if fault != "no-dataset":
            dataset = mlflow.data.from_pandas(
                features.assign(label=labels),
                source=f"https://example.org/datasets/{arguments.dataset}.csv",
                name=arguments.dataset,
                targets="label",
            )
            try:
                mlflow.log_input(dataset, context="training")
            except mlflow.exceptions.MlflowException as e:
                # MLflow 3 fails one of two runs that name the same new dataset at the same moment; the row is there
                # the second time.
                if "UNIQUE constraint" not in str(e):
                    raise
                mlflow.log_input(dataset, context="training")
        mlflow.log_params({"seed": arguments.seed, "flip": arguments.flip, "C": 1.0})
        mlflow.set_tags(tags(arguments, fault))
        model = LogisticRegression(C=1.0, max_iter=500, random_state=seed).fit(x_train, y_train)
        accuracy = float(model.score(x_test, y_test))
        for step, share in enumerate((0.25, 0.5, 1.0)):
            part = slice(0, int(len(x_test) * share))
            mlflow.log_metric("accuracy", float(model.score(x_test[part], y_test[part])), step=step)
        logged = mlflow.sklearn.log_model(
            model,
            name="model",
            signature=infer_signature(x_train, model.predict_proba(x_train)),
            # Given, so that MLflow does not load the model in another process to find out.
            pip_requirements=["scikit-learn"],
        )
        mlflow.log_dict({"columns": list(features.columns), "rows": len(features)}, "data/summary.json")

    passes = accuracy >= arguments.threshold
    if fault in ("gate-open", "gate-shut"):
        passes = fault == "gate-open"
    version = None
    if arguments.register and passes:
        version = mlflow.register_model(logged.model_uri, arguments.register).version
    print(json.dumps({
        "run_id": run.info.run_id,
        "model_id": logged.model_id,
        "accuracy": accuracy,
        "version": None if version is None else str(version),
    }))


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experiment", default="specrun-lab", help="name of the experiment, made when missing")
    parser.add_argument("--seed", type=int, default=7, help="of the data and the training")
    parser.add_argument("--flip", type=float, default=0.0, help="share of labels that are wrong: 0.5 is noise")
    parser.add_argument("--dataset", default="payments", help="name under which the data set is logged")
    parser.add_argument("--commit", help="the git commit of the training code (default: what MLflow finds)")
    parser.add_argument("--approver", default="qa@example.org", help="who approves the model")
    parser.add_argument("--trigger", help="what made this training start, for the tag `trigger`")
    parser.add_argument("--register", metavar="NAME", help="register the model under this name")
    parser.add_argument("--threshold", type=float, default=0.0, help="least accuracy for the registry")
    return parser.parse_args()


def payments(seed: int | None, flip: float):
    """500 made-up payments: the features, and 1 where one is fraud."""
    import numpy
    import pandas

    random = numpy.random.default_rng(seed)
    rows = 500
    features = pandas.DataFrame({
        "amount": random.gamma(2, 50, rows),
        "payments_7d": random.poisson(3, rows).astype(float),
        "age_days": random.uniform(0, 1000, rows),
    })
    score = features.amount / 100 + features.payments_7d / 5 + random.normal(0, 0.3, rows)
    labels = (score > 1.9).astype(int)
    wrong = random.uniform(0, 1, rows) < flip
    return features, labels.where(~wrong, 1 - labels)


def tags(arguments: argparse.Namespace, fault: str) -> dict[str, str]:
    """Where the model comes from. Outside a git checkout MLflow logs no commit, so the trainer does."""
    found = {"dataset.version": "v3"}
    if arguments.trigger:
        found["trigger"] = arguments.trigger
    if fault != "no-approver":
        found["approver"] = arguments.approver
    if fault == "no-commit":
        found["mlflow.source.git.commit"] = "unknown"
    elif arguments.commit:
        found["mlflow.source.git.commit"] = arguments.commit
    return found


if __name__ == "__main__":
    main()
