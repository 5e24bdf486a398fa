#!/usr/bin/env python3
"""isvc_controller.py API-URL CA CERT KEY: makes InferenceServices with a container of their own run, as KServe's raw deployment
mode does: a Deployment, a Service and an autoscaler, all named NAME-predictor, and their state in status.url and
status.conditions.

What differs from KServe: no DNS and no ingress here, so status.url holds the Service's own address; no serving runtimes, so a
`spec.predictor.model` is answered with Ready=False; no canary. Once a second it looks at everything and applies what should be
there, so nothing is remembered and a crash loses nothing. An annotation `specrun.io/no-autoscaler: "true"` leaves the autoscaler out.
"""

from __future__ import annotations

import time
import urllib.error
from typing import Any

from parts import Api

ISVC = "serving.kserve.io/v1beta1"
MANAGER = "isvc-controller"
NOT_POD = ("minReplicas", "maxReplicas", "scaleTarget", "scaleMetric", "canaryTrafficPercent", "containerConcurrency", "timeout",
           "labels", "annotations")


def children(isvc: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any], int]:
    """The Deployment, the Service and the autoscaler that this InferenceService asks for, and the least number of pods."""
    m, predictor = isvc["metadata"], isvc["spec"]["predictor"]
    labels = {"app": f"isvc.{m['name']}-predictor", "serving.kserve.io/inferenceservice": m["name"], "component": "predictor"}
    meta = {"name": m["name"] + "-predictor", "namespace": m["namespace"], "labels": labels, "ownerReferences": [
        {"apiVersion": ISVC, "kind": "InferenceService", "name": m["name"], "uid": m["uid"], "controller": True,
         "blockOwnerDeletion": True}]}
    pod = {k: v for k, v in predictor.items() if k not in NOT_POD}
    for container in pod["containers"]:
        container.setdefault("name", "kserve-container")
        for port in container.setdefault("ports", [{"containerPort": 8080}]):
            port.setdefault("protocol", "TCP")  # server-side apply of 1.20 refuses a port without it
    port = pod["containers"][0]["ports"][0]["containerPort"]
    low = max(1, predictor.get("minReplicas", 1))  # no scale to zero without Knative
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": {  # replicas are the autoscaler's
        "selector": {"matchLabels": {"app": labels["app"]}}, "template": {"metadata": {
            "labels": {**predictor.get("labels", {}), **labels}, "annotations": predictor.get("annotations", {})}, "spec": pod}}}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {
        "selector": {"app": labels["app"]}, "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": port}]}}
    scaler = {"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": meta, "spec": {
        "minReplicas": low, "maxReplicas": max(low, predictor.get("maxReplicas", low)),
        "targetCPUUtilizationPercentage": predictor.get("scaleTarget", 80),
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": meta["name"]}}}
    return deployment, service, scaler, low


def waiting(api: Api, namespace: str, name: str) -> tuple[str, str]:
    """Why the predictor is not there yet, in the words of its pods."""
    for pod in api.call("GET", f"/api/v1/namespaces/{namespace}/pods?labelSelector=app%3Disvc.{name}-predictor")["items"]:
        for container in pod["status"].get("containerStatuses", []):
            state = container["state"].get("waiting") or container["state"].get("terminated") or {}
            if state.get("reason") not in (None, "ContainerCreating", "Completed"):
                return state["reason"], state.get("message", "")
        for condition in pod["status"].get("conditions", []):
            if condition["type"] == "PodScheduled" and condition["status"] == "False":
                return condition["reason"], condition.get("message", "")
    return "MinimumReplicasUnavailable", "the predictor's pods are not ready"


def reconcile(api: Api, isvc: dict[str, Any]) -> None:
    m = isvc["metadata"]
    namespace, name, before = m["namespace"], m["name"], isvc.get("status", {})
    status: dict[str, Any] = {"observedGeneration": m["generation"]}
    url = None
    why: tuple[str, str] | None
    if not isvc["spec"]["predictor"].get("containers"):
        ready, why = False, ("NoSupportingRuntime", "only spec.predictor.containers is supported here")
    else:
        deployment, service, scaler, low = children(isvc)
        seen_deployment = api.apply(f"/apis/apps/v1/namespaces/{namespace}/deployments", deployment, MANAGER)
        seen_service = api.apply(f"/api/v1/namespaces/{namespace}/services", service, MANAGER)
        if (m.get("annotations") or {}).get("specrun.io/no-autoscaler") != "true":
            api.apply(f"/apis/autoscaling/v1/namespaces/{namespace}/horizontalpodautoscalers", scaler, MANAGER)
        seen = seen_deployment.get("status", {})
        ready = (seen.get("observedGeneration", 0) >= seen_deployment["metadata"]["generation"]
                 and seen.get("availableReplicas", 0) >= low and seen.get("updatedReplicas", 0) == seen.get("replicas", -1))
        why = None if ready else waiting(api, namespace, name)
        url = f"http://{seen_service['spec']['clusterIP']}"
        status["address"] = {"url": f"http://{name}-predictor.{namespace}.svc.cluster.local"}
        status["components"] = {"predictor": {"url": url}}
    status["url"] = url if ready or before.get("url") else None  # appears with the first readiness, and stays
    old = {c["type"]: c for c in before.get("conditions", [])}
    status["conditions"] = []
    for kind, holds in (("IngressReady", url is not None), ("PredictorReady", ready), ("Ready", ready)):
        condition = {"type": kind, "status": str(holds)}
        if not holds and why:
            condition.update(reason=why[0], message=why[1])
        same = old.get(kind, {}).get("status") == condition["status"]
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        condition["lastTransitionTime"] = old[kind]["lastTransitionTime"] if same else stamp
        status["conditions"].append(condition)
    if {k: before.get(k) for k in status} != status:
        api.call("PATCH", f"/apis/{ISVC}/namespaces/{namespace}/inferenceservices/{name}/status", {"status": status},
                 "application/merge-patch+json")


def main() -> None:
    api, _ = Api.from_arguments()
    while True:
        try:
            for isvc in api.call("GET", f"/apis/{ISVC}/inferenceservices")["items"]:
                if "deletionTimestamp" in isvc["metadata"]:
                    continue
                try:
                    reconcile(api, isvc)
                except urllib.error.HTTPError as error:  # refused by the API server, or gone meanwhile: say so, try again
                    m = isvc["metadata"]
                    print(m["namespace"], m["name"], error.code, error.read().decode()[:500], flush=True)
        except (OSError, ValueError) as error:
            print("cannot list:", error, flush=True)
        time.sleep(1)


if __name__ == "__main__":
    main()
