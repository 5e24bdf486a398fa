#!/usr/bin/env python3
"""record.py URL: records the answers of a real MLflow server into this folder, one file for each call.

URL is a fresh MLflow (the lab's: `specrun env up --env lab`) in which examples/lab/train.py has run once with
`--register payments`. Ids and times in the files are those of the recording. The auth-*.json files are from a server with
`--app-name basic-auth` and were taken by hand in the same way.
"""

import json
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

BASE = sys.argv[1].rstrip("/")
API = "/api/2.0/mlflow/"
HERE = Path(__file__).parent
# Say when and how it was sent, not what was answered.
LEFT_OUT = {"date", "server", "connection"}


def call(name, method, path, body=None, query=None, headers=None, raw=None):
    """Sends one request, writes what was sent and what came back, and returns the body."""
    url = BASE + path + ("?" + urllib.parse.urlencode(query) if query else "")
    data = raw if raw is not None else None if body is None else json.dumps(body).encode()
    sent = {"Content-Type": "application/json"} if data is not None else {}
    sent.update(headers or {})
    request = urllib.request.Request(url, data=data, method=method, headers=sent)
    try:
        answer = urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as error:
        answer = error
    text = answer.read().decode("utf-8", "replace")
    try:
        content = json.loads(text)
    except ValueError:
        content = text
    shown = body if raw is None else raw.decode()
    record = {
        "request": {"method": method, "url": url, "headers": sent, "body": shown},
        "response": {
            "status": answer.status,
            "headers": {k.lower(): v for k, v in answer.headers.items() if k.lower() not in LEFT_OUT},
            "body": content,
        },
    }
    (HERE / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n")
    print(answer.status, name)
    return content


def get(name, path, /, **query):
    return call(name, "GET", API + path, query=query)


def post(name, path, /, **body):
    return call(name, "POST", API + path, body=body)


version = get("version-get", "model-versions/get", name="payments", version="1")["model_version"]
run = version["run_id"]
experiment = get("experiment-get-by-name", "experiments/get-by-name", experiment_name="specrun-lab")["experiment"]
get("experiment-unknown", "experiments/get-by-name", experiment_name="nope")
full = get("run-get", "runs/get", run_id=run)["run"]
get("run-unknown", "runs/get", run_id="0123456789abcdef0123456789abcdef")
get("run-no-parameter", "runs/get")
post("runs-search", "runs/search", experiment_ids=[experiment["experiment_id"]],
     filter="metrics.accuracy >= 0.5 and tags.`dataset.version` = 'v3'", order_by=["metrics.accuracy DESC"], max_results=1)
post("runs-search-nothing", "runs/search", experiment_ids=[experiment["experiment_id"]], filter="metrics.accuracy > 2")
post("runs-search-bad-filter", "runs/search", experiment_ids=[experiment["experiment_id"]], filter="accuracy > ")
call("malformed-body", "POST", API + "runs/search", raw=b'{"experiment_ids": [')
get("metric-history", "metrics/get-history", run_id=run, metric_key="accuracy")
get("metric-history-unknown", "metrics/get-history", run_id=run, metric_key="nope")

created = post("run-create", "runs/create", experiment_id=experiment["experiment_id"], run_name="by-hand")["run"]["info"]
post("log-batch", "runs/log-batch", run_id=created["run_id"],
     metrics=[{"key": "loss", "value": "NaN", "timestamp": 1, "step": 0},
              {"key": "peak", "value": "Infinity", "timestamp": 1, "step": 0}],
     params=[{"key": "depth", "value": "3"}], tags=[{"key": "team", "value": "fraud"}])
get("run-get-not-finite", "runs/get", run_id=created["run_id"])
post("run-update", "runs/update", run_id=created["run_id"], status="FINISHED", end_time=2)
post("run-set-tag", "runs/set-tag", run_id=created["run_id"], key="team", value="payments")

get("artifacts-list-root", "artifacts/list", run_id=run)
get("artifacts-list-data", "artifacts/list", run_id=run, path="data")
get("artifacts-list-model", "artifacts/list", run_id=run, path="model")
call("artifact-get", "GET", "/get-artifact", query={"run_id": run, "path": "data/summary.json"})
call("artifact-get-missing", "GET", "/get-artifact", query={"run_id": run, "path": "model/MLmodel"})
model = full["outputs"]["model_outputs"][0]["model_id"]
logged = get("logged-model-get", f"logged-models/{model}")["model"]
get("logged-model-files", f"logged-models/{model}/artifacts/directories")
get("logged-model-unknown", "logged-models/m-0123456789abcdef0123456789abcdef")
place = urllib.parse.urlparse(logged["info"]["artifact_uri"]).path.lstrip("/")
call("proxy-get", "GET", f"/api/2.0/mlflow-artifacts/artifacts/{place}/MLmodel")
call("proxy-missing", "GET", f"/api/2.0/mlflow-artifacts/artifacts/{place}/nope")
call("proxy-list", "GET", "/api/2.0/mlflow-artifacts/artifacts", query={"path": place})

post("model-create-duplicate", "registered-models/create", name="payments")
get("model-unknown", "registered-models/get", name="nope")
post("version-create-no-model-id", "model-versions/create", name="payments", source=version["source"], run_id=run)
post("version-create", "model-versions/create", name="payments", source=version["source"], run_id=run, model_id=model,
     tags=[{"key": "by", "value": "hand"}])
get("version-unknown", "model-versions/get", name="payments", version="99")
get("version-odd-number", "model-versions/get", name="payments", version="one")
post("version-set-tag", "model-versions/set-tag", name="payments", version="2", key="approver", value="qa@example.org")
post("stage-unknown", "model-versions/transition-stage", name="payments", version="1", stage="prod")
post("stage-unknown-version", "model-versions/transition-stage", name="payments", version="99", stage="Staging")
post("stage-production", "model-versions/transition-stage", name="payments", version="1", stage="Production",
     archive_existing_versions=True)
post("stage-production-archives", "model-versions/transition-stage", name="payments", version="2", stage="Production",
     archive_existing_versions=True)
get("version-get-archived", "model-versions/get", name="payments", version="1")
post("alias-set", "registered-models/alias", name="payments", alias="champion", version="2")
post("alias-reserved", "registered-models/alias", name="payments", alias="latest", version="2")
post("alias-reserved-number", "registered-models/alias", name="payments", alias="v1", version="2")
get("alias-get", "registered-models/alias", name="payments", alias="champion")
get("alias-unknown", "registered-models/alias", name="payments", alias="nope")
get("alias-unknown-model", "registered-models/alias", name="nope", alias="champion")
get("version-get-with-alias", "model-versions/get", name="payments", version="2")
get("versions-search", "model-versions/search", filter="name='payments'")
get("versions-search-by-run", "model-versions/search", filter=f"run_id='{run}'")
get("versions-search-nothing", "model-versions/search", filter="run_id='0123456789abcdef0123456789abcdef'")
get("model-get", "registered-models/get", name="payments")
get("download-uri", "model-versions/get-download-uri", name="payments", version="1")
call("alias-delete", "DELETE", API + "registered-models/alias", body={"name": "payments", "alias": "champion"})
call("version-delete", "DELETE", API + "model-versions/delete", body={"name": "payments", "version": "2"})
call("version-delete-again", "DELETE", API + "model-versions/delete", body={"name": "payments", "version": "2"})
call("model-delete", "DELETE", API + "registered-models/delete", body={"name": "payments"})
call("model-delete-again", "DELETE", API + "registered-models/delete", body={"name": "payments"})
post("run-delete", "runs/delete", run_id=created["run_id"])
post("run-delete-again", "runs/delete", run_id=created["run_id"])
get("run-get-deleted", "runs/get", run_id=created["run_id"])
get("unknown-endpoint", "nope")
call("version-of-server", "GET", "/version")
call("bad-host", "GET", API + "experiments/get", query={"experiment_id": "0"}, headers={"Host": "mlflow.example.org"})
call("bad-origin", "POST", API + "experiments/search", body={}, headers={"Origin": "http://evil.example.org"})
