#!/usr/bin/env python3
"""model.py KUBERNETES PYTHON PORT: the lab's model as an InferenceService of the lab's Kubernetes. KServe's own model server
(serve.py) runs in a pod of the real node and is reached on 127.0.0.1:PORT, a port of the node, as it would be behind an ingress.

KUBERNETES is the folder of that service. PYTHON is the interpreter with KServe; the pod has it from the machine, read-only.
LAB_FAULT and LAB_SERVICE_MS go to the model server. Everything is in a namespace of its own, which is removed when this ends.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
from pathlib import Path
from typing import Any

from parts import HERE, Api, Broken, say

NAMESPACES = "/api/v1/namespaces"
ISVC = "serving.kserve.io/v1beta1"
MODEL = "iris"
# The process that a namespace belongs to: one that was killed could not remove it.
OWNER = "specrun.io/lab-model-of"
SERVER = HERE.parent / "serve.py"
READY_WITHIN = 120
GONE_WITHIN = 20


class Stop(Exception):
    """Somebody asked for the end."""


def main() -> None:
    kubernetes, python, port = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    pki = kubernetes / "pki"
    server = json.loads((kubernetes / "admin.kubeconfig").read_text())["clusters"][0]["cluster"]["server"]
    api = Api(server, *(str(pki / file) for file in ("ca.crt", "admin.crt", "admin.key")))
    namespace = f"model-{os.getpid()}"

    def stop(*_: object) -> None:
        raise Stop

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    code = 0
    try:
        sweep(api)
        up(api, namespace, python, port)
        say(f"the InferenceService {namespace}/{MODEL} is ready")
        while True:
            signal.pause()
    except Stop:
        pass
    except Broken as broken:
        print(f"model: {broken}", file=sys.stderr, flush=True)
        code = 1
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        remove(api, namespace)
    sys.exit(code)


def up(api: Api, namespace: str, python: Path, port: int) -> None:
    if not api.call("GET", "/api/v1/nodes?labelSelector=specrun%2Freal%3Dtrue")["items"]:
        raise Broken("a model that answers needs a real node, and the lab's Kubernetes has one only as root")
    api.make(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace",
                          "metadata": {"name": namespace, "labels": {OWNER: str(os.getpid())}}})
    # The port of the node; the Service of the InferenceService itself has an address of the cluster.
    api.make(f"{NAMESPACES}/{namespace}/services", {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "ingress"}, "spec": {
            "type": "NodePort", "selector": {"serving.kserve.io/inferenceservice": MODEL},
            "ports": [{"port": 80, "targetPort": 8080, "nodePort": port}]}})
    path = f"/apis/{ISVC}/namespaces/{namespace}/inferenceservices"
    api.make(path, model(python))
    end = time.monotonic() + READY_WITHIN
    why = "nobody has looked at it"
    while time.monotonic() < end:
        status = api.call("GET", f"{path}/{MODEL}").get("status", {})
        for condition in status.get("conditions", []):
            if condition["type"] == "Ready":
                if condition["status"] == "True":
                    return
                why = f"{condition.get('reason', '')}: {condition.get('message', '')}"
        time.sleep(0.2)
    raise Broken(f"the InferenceService is not ready after {READY_WITHIN} s: {why}")


def model(python: Path) -> dict[str, Any]:
    """The InferenceService."""
    asked = subprocess.run([python, "-c", "import sys; print(sys.base_prefix)"], capture_output=True, text=True, check=False)
    if asked.returncode != 0:
        raise Broken(f"{python} does not start: {asked.stderr.strip()}")
    folders = {"usr": Path("/usr"), "kserve": python.parent.parent, "lab": SERVER.parent}
    base = Path(asked.stdout.strip())
    if not base.is_relative_to("/usr"):
        folders["python"] = base
    settings = [{"name": name, "value": os.environ[name]} for name in ("LAB_FAULT", "LAB_SERVICE_MS") if os.environ.get(name)]
    container = {
        "name": "kserve-container", "image": "specrun.local/host:1", "imagePullPolicy": "IfNotPresent",
        "command": [str(python), "-u", str(SERVER), "--port=8080", "--address=$(POD_IP)"],
        "env": [{"name": "POD_IP", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIP"}}}, *settings],
        "ports": [{"containerPort": 8080, "protocol": "TCP"}],
        "readinessProbe": {"httpGet": {"path": f"/v2/models/{MODEL}/ready", "port": 8080}, "periodSeconds": 1},
        "volumeMounts": [{"name": name, "mountPath": str(path), "readOnly": True} for name, path in folders.items()]}
    return {
        "apiVersion": ISVC, "kind": "InferenceService",
        "metadata": {"name": MODEL, "annotations": {"specrun.io/no-autoscaler": "true"}},
        "spec": {"predictor": {
            "minReplicas": 1, "maxReplicas": 1, "dnsPolicy": "Default", "terminationGracePeriodSeconds": 2,
            "nodeSelector": {"specrun/real": "true"}, "containers": [container],
            "volumes": [{"name": name, "hostPath": {"path": str(path)}} for name, path in folders.items()]}}}


def sweep(api: Api) -> None:
    """Removes what processes left that were killed."""
    for namespace in api.call("GET", f"{NAMESPACES}?labelSelector={OWNER.replace('/', '%2F')}")["items"]:
        meta = namespace["metadata"]
        if not Path("/proc", meta["labels"][OWNER]).exists():
            remove(api, meta["name"], wait=False)


def remove(api: Api, namespace: str, wait: bool = True) -> None:
    """Removes a namespace; the end of its pods is waited for a moment."""
    end = time.monotonic() + GONE_WITHIN
    try:
        api.call("DELETE", f"{NAMESPACES}/{namespace}")
        while wait and time.monotonic() < end:
            api.call("GET", f"{NAMESPACES}/{namespace}")
            time.sleep(0.2)
    except urllib.error.HTTPError as error:
        if error.code not in (404, 409):
            say(f"the namespace {namespace} stays: {error.code}")
    except OSError as error:  # the cluster has ended before it
        say(f"the namespace {namespace} stays: {error}")


if __name__ == "__main__":
    main()
