#!/usr/bin/env python3
"""simulate.py API-URL CA CERT KEY beside|alone: nodes that exist in the API only, and run pods in name only: no logs, no
network, no work. What is real about them is everything the scheduler and the controllers see.

`beside` a real node: `spot-1`, `on-demand-1` and `gpu-pool-1` with two GPUs, all tainted, for who asks for them. `alone`
(without root) also `general-1`, which takes everything, and `gpu-1` with two GPUs. A pod says by annotations how it goes: `specrun.io/run-seconds` (2 without
it; only pods that are not restarted end), `specrun.io/exit-code`, `specrun.io/message` (its termination message).
"""

from __future__ import annotations

import datetime
import itertools
import json
import threading
import time
import urllib.error
from typing import Any

from parts import Api

STRATEGIC = "application/strategic-merge-patch+json"
MERGE = "application/merge-patch+json"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
GPU = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}
NODES: dict[str, dict[str, Any]] = {
    "spot-1": {"labels": {"karpenter.sh/capacity-type": "spot", "node.kubernetes.io/instance-type": "lab.spot"},
               "taints": [{"key": "spot", "value": "true", "effect": "NoSchedule"}]},
    "on-demand-1": {"labels": {"karpenter.sh/capacity-type": "on-demand", "node.kubernetes.io/instance-type": "lab.standard"},
                    "taints": [{"key": "specrun.io/simulated", "value": "true", "effect": "NoSchedule"}]},
    "gpu-pool-1": {"labels": {"accelerator": "lab-pool"}, "more": {"nvidia.com/gpu": "2"}, "taints": [GPU]},
}
ALONE: dict[str, dict[str, Any]] = {
    "general-1": {},
    "gpu-1": {"labels": {"accelerator": "lab"}, "more": {"nvidia.com/gpu": "2"}, "taints": [GPU]},
}
ADDRESSES = itertools.count(1)


def now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def make(api: Api, name: str, labels: dict[str, str] | None = None, taints: list[dict[str, str]] | None = None,
         more: dict[str, str] | None = None) -> None:
    """A node that says it is ready."""
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "specrun.io/simulated": "true", **(labels or {})}
    api.make("/api/v1/nodes", {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels},
                               "spec": {"taints": taints or []}})
    room = {"cpu": "8", "memory": "32Gi", "pods": "110", "ephemeral-storage": "100Gi", **(more or {})}
    facts = ("kubeletVersion", "osImage", "kernelVersion", "containerRuntimeVersion", "kubeProxyVersion")
    states = {"Ready": "True", "MemoryPressure": "False", "DiskPressure": "False", "PIDPressure": "False"}
    api.call("PATCH", f"/api/v1/nodes/{name}/status", {"status": {
        "capacity": room, "allocatable": room,
        "nodeInfo": {**dict.fromkeys(facts, "simulated"), "architecture": "amd64", "operatingSystem": "linux",
                     "bootID": "", "machineID": "", "systemUUID": ""},
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}, {"type": "Hostname", "address": name}],
        "conditions": [{"type": kind, "status": status, "reason": "Simulated", "message": "", "lastHeartbeatTime": now(),
                        "lastTransitionTime": now()} for kind, status in states.items()]}}, STRATEGIC)


def beat(api: Api, name: str) -> None:
    """Says that the node is still there."""
    stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    spec = {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": stamp}
    try:
        api.call("PATCH", f"{LEASES}/{name}", {"spec": spec}, MERGE)
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise
        api.make(LEASES, {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name}, "spec": spec})


class Pods:
    """The pods of the simulated nodes."""

    def __init__(self, api: Api, nodes: set[str]) -> None:
        self.api, self.nodes, self.known = api, nodes, set[str]()

    def follow(self) -> None:
        while True:
            try:
                pods = self.api.call("GET", "/api/v1/pods")
                for pod in pods["items"]:
                    self.look(pod)
                version = pods["metadata"]["resourceVersion"]
                path = f"/api/v1/pods?watch=true&timeoutSeconds=60&resourceVersion={version}"
                with self.api.open("GET", path, timeout=90) as events:
                    for line in events:
                        event = json.loads(line)
                        if event["type"] in ("ADDED", "MODIFIED"):
                            self.look(event["object"])
            except (OSError, ValueError, KeyError) as error:  # the API server is away: begin anew
                print("watch:", error, flush=True)
                time.sleep(1)

    def look(self, pod: dict[str, Any]) -> None:
        meta = pod["metadata"]
        if pod["spec"].get("nodeName") not in self.nodes:
            return
        if meta.get("deletionTimestamp"):
            try:
                self.api.call("DELETE", self.path(pod), {"gracePeriodSeconds": 0})
            except urllib.error.HTTPError as error:
                if error.code not in (404, 409):
                    raise
        elif meta["uid"] not in self.known and pod.get("status", {}).get("phase") not in ("Succeeded", "Failed"):
            self.known.add(meta["uid"])
            threading.Thread(target=self.live, args=(pod,), daemon=True).start()

    def live(self, pod: dict[str, Any]) -> None:
        asked = pod["metadata"].get("annotations") or {}
        started, address = now(), f"10.99.0.{next(ADDRESSES) % 250 + 1}"
        try:
            self.say(pod, address, "Running", {"running": {"startedAt": started}})
            if pod["spec"].get("restartPolicy") != "Always":
                time.sleep(float(asked.get("specrun.io/run-seconds", "2")))
                code = int(asked.get("specrun.io/exit-code", "0"))
                ended = {"exitCode": code, "reason": "Completed" if code == 0 else "Error", "startedAt": started,
                         "finishedAt": now(), "message": asked.get("specrun.io/message", "")}
                self.say(pod, address, "Succeeded" if code == 0 else "Failed", {"terminated": ended})
        except (OSError, ValueError) as error:  # deleted meanwhile
            print("pod:", error, flush=True)

    def say(self, pod: dict[str, Any], address: str, phase: str, state: dict[str, Any]) -> None:
        up = phase == "Running"
        holds = {"Initialized": True, "PodScheduled": True, "Ready": up, "ContainersReady": up}
        self.api.call("PATCH", f"{self.path(pod)}/status", {"status": {
            "phase": phase, "podIP": address, "podIPs": [{"ip": address}], "hostIP": "127.0.0.1", "startTime": now(),
            "conditions": [{"type": kind, "status": str(yes), "lastTransitionTime": now()} for kind, yes in holds.items()],
            "containerStatuses": [{"name": c["name"], "image": c["image"], "imageID": "simulated", "ready": up, "started": up,
                                   "containerID": f"simulated://{pod['metadata']['uid']}", "restartCount": 0, "state": state}
                                  for c in pod["spec"]["containers"]]}}, STRATEGIC)

    @staticmethod
    def path(pod: dict[str, Any]) -> str:
        return f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"


def main() -> None:
    api, (how,) = Api.from_arguments()
    nodes = {**NODES, **(ALONE if how == "alone" else {})}
    for name, facts in nodes.items():
        make(api, name, **facts)
        beat(api, name)
    threading.Thread(target=Pods(api, set(nodes)).follow, daemon=True).start()
    while True:
        time.sleep(5)
        for name in nodes:
            try:
                beat(api, name)
            except OSError as error:
                print("beat:", error, flush=True)


if __name__ == "__main__":
    main()
