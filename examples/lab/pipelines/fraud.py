"""fraud.py: a fraud model as a Kubeflow pipeline: ingest, features, train, evaluate, register.

Each step runs wherever Python does: on the SDK's local runner, and on a cluster. Only the first needs more than the
standard library (minio, for a CSV in a bucket). Registration is plain HTTP to the MLflow of MLFLOW_TRACKING_URI.

LAB_FAULT breaks a step on purpose, so that specs can be seen to fail:
  renamed-column   ingest calls `amount` something else
  null-value       ingest leaves one `customer_id` empty
  lost-row         ingest drops the last row
  features-null    features leaves one `amount_norm` empty
  features-renamed features calls `payments_7d` something else
  features-lost    features drops the last row
  skip-register    the pipeline says that it registered the model, and did not
"""

import os

from kfp import dsl
from kfp.dsl import Dataset, Input, Metrics, Model, Output

# The interpreter that runs a step has all it needs; nothing is installed before a step.
PLAIN = {"base_image": "python:3.11", "packages_to_install": [], "install_kfp_package": False}

FAULTS = ("renamed-column", "null-value", "lost-row", "features-null", "features-renamed", "features-lost",
          "skip-register")
FAULT = os.environ.get("LAB_FAULT", "")


@dsl.component(**PLAIN | {"packages_to_install": ["minio"]})
def ingest(csv_uri: str, dataset: Output[Dataset]) -> int:
    """Reads a CSV from a path, an address or a bucket (s3://), and gives it on as it is; how many rows it has."""
    import csv
    import os
    import urllib.request

    fault = os.environ.get("LAB_FAULT", "")
    if csv_uri.startswith("s3://"):
        from minio import Minio

        scheme, _, host = os.environ["AWS_ENDPOINT_URL"].partition("://")
        store = Minio(host, os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"],
                      secure=scheme == "https", region=os.environ.get("AWS_REGION", "us-east-1"))
        bucket, key = csv_uri.removeprefix("s3://").split("/", 1)
        text = store.get_object(bucket, key).read().decode()
    elif "://" in csv_uri:
        with urllib.request.urlopen(csv_uri) as answer:
            text = answer.read().decode()
    else:
        with open(csv_uri, encoding="utf-8") as file:
            text = file.read()
    rows = list(csv.DictReader(text.splitlines()))
    if not rows:
        raise ValueError(f"{csv_uri} has no rows")
    if fault == "renamed-column":
        rows = [{("amount_eur" if k == "amount" else k): v for k, v in row.items()} for row in rows]
    if fault == "null-value":
        rows[len(rows) // 2]["customer_id"] = ""
    if fault == "lost-row":
        rows.pop()
    with open(dataset.path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    dataset.metadata["rows"] = len(rows)
    dataset.metadata["columns"] = list(rows[0])
    return len(rows)


@dsl.component(**PLAIN)
def features(dataset: Input[Dataset], feats: Output[Dataset]) -> int:
    """One row of features a payment; an amount that is missing becomes the median. How many rows it has."""
    import csv
    import os

    fault = os.environ.get("LAB_FAULT", "")
    with open(dataset.path, encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    amounts = sorted(float(row["amount"]) for row in rows if row["amount"])
    median = amounts[len(amounts) // 2]
    made = [
        [row["customer_id"], round(float(row["amount"] or median) / 100, 6), int(row["payments_7d"] or 0), row["label"]]
        for row in rows
    ]
    if fault == "features-null":
        made[len(made) // 2][1] = ""
    if fault == "features-lost":
        made.pop()
    names = ["customer_id", "amount_norm", "payments_7d", "label"]
    if fault == "features-renamed":
        names[2] = "payments_week"
    with open(feats.path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows(made)
    feats.metadata["rows"] = len(made)
    return len(made)


@dsl.component(**PLAIN)
def train(feats: Input[Dataset], seed: int, model: Output[Model]):
    """Logistic regression by gradient descent."""
    import csv
    import json
    import math
    import random

    chance = random.Random(seed)
    with open(feats.path, encoding="utf-8") as file:
        rows = [(float(r["amount_norm"]), float(r["payments_7d"]), float(r["label"])) for r in csv.DictReader(file)]
    weights = [chance.uniform(-0.1, 0.1) for _ in range(2)]
    bias = 0.0
    for _ in range(300):
        for amount, payments, label in rows:
            score = weights[0] * amount + weights[1] * payments + bias
            wrong = 1 / (1 + math.exp(-score)) - label
            weights = [weights[0] - 0.1 * wrong * amount, weights[1] - 0.1 * wrong * payments]
            bias -= 0.1 * wrong
    with open(model.path, "w", encoding="utf-8") as file:
        json.dump({"weights": weights, "bias": bias}, file)
    model.metadata["framework"] = "standard library"


@dsl.component(**PLAIN)
def evaluate(model: Input[Model], feats: Input[Dataset], metrics: Output[Metrics]) -> float:
    """Accuracy on the rows it was trained on, which is enough to see that it learned."""
    import csv
    import json

    with open(model.path, encoding="utf-8") as file:
        made = json.load(file)
    with open(feats.path, encoding="utf-8") as file:
        rows = list(csv.DictReader(file))

    def says(row):
        inside = made["weights"][0] * float(row["amount_norm"]) + made["weights"][1] * float(row["payments_7d"])
        return inside + made["bias"] > 0

    accuracy = sum(says(row) == (row["label"] == "1") for row in rows) / len(rows)
    metrics.log_metric("accuracy", accuracy)
    return accuracy


@dsl.component(**PLAIN)
def register(model: Input[Model], accuracy: float, name: str) -> str:
    """Logs the model to MLflow and registers it; the number of the version."""
    import json
    import os
    import time
    import urllib.error
    import urllib.request

    def send(method, address, body):
        asked = urllib.request.Request(os.environ["MLFLOW_TRACKING_URI"] + address, data=body, method=method,
                                       headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(asked) as answer:
            return answer.read()

    def call(path, **body):
        return json.loads(send("POST", f"/api/2.0/mlflow/{path}", json.dumps(body).encode()))

    if os.environ.get("LAB_FAULT", "") == "skip-register":
        return "1"
    now = int(time.time() * 1000)
    run = call("runs/create", experiment_id="0", start_time=now, run_name="fraud-train",
               tags=[{"key": "model", "value": name}])["run"]["info"]
    with open(model.path, "rb") as file:
        folder = run["artifact_uri"].split(":", 1)[1].lstrip("/")
        send("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{folder}/model/weights.json", file.read())
    call("runs/log-metric", run_id=run["run_id"], key="accuracy", value=accuracy, timestamp=now)
    try:
        call("registered-models/create", name=name)
    except urllib.error.HTTPError as error:
        if b"RESOURCE_ALREADY_EXISTS" not in error.read():
            raise
    version = call("model-versions/create", name=name, source=run["artifact_uri"] + "/model",
                   run_id=run["run_id"])["model_version"]["version"]
    call("runs/update", run_id=run["run_id"], status="FINISHED", end_time=int(time.time() * 1000))
    return version


@dsl.pipeline(name="fraud-train", description="From a CSV to a model in the registry, if it is good enough.")
def fraud_train(csv_uri: str, model_name: str, seed: int = 7, threshold: float = 0.8):
    data = ingest(csv_uri=csv_uri)
    made = features(dataset=data.outputs["dataset"])
    trained = train(feats=made.outputs["feats"], seed=seed)
    judged = evaluate(model=trained.outputs["model"], feats=made.outputs["feats"])
    # One unnamed output on purpose: the local runner skips a branch on a named one and calls that a success.
    with dsl.If(judged.outputs["Output"] >= threshold):
        register(model=trained.outputs["model"], accuracy=judged.outputs["Output"], name=model_name)


if FAULT and FAULT not in FAULTS:
    raise SystemExit(f"LAB_FAULT={FAULT} is unknown; it can be {', '.join(FAULTS)}")
