#!/usr/bin/env python3
"""serve.py CACHE STATE NAME=PORT...: the lab's Kubernetes, in the foreground until it is told to stop.

As root a control plane and a real node; otherwise a control plane with simulated nodes, on which pods run in name only. Beside
them InferenceServices that work (isvc_controller.py), metrics from the kubelet (metrics.py), and simulated nodes of other kinds
(simulate.py). CACHE is what build.sh made. STATE gets `admin.kubeconfig`, `facts.json` and the logs. The program that SPECRUN
names, as it is for every service that specrun starts, becomes the node's image of specrun (image.py).

It says "kubernetes is ready" once all of it answers. When it ends, everything it started has ended: processes, containers,
mounts, network, firewall rules.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import control
import image
import node
from parts import HERE, Api, Broken, Lab, say

GPUS = 2
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
# What controls traffic elsewhere, as objects that are only stored here: nobody acts on them.
STORED = (("networking.istio.io", "v1beta1", "VirtualService", "virtualservices"),
          ("networking.istio.io", "v1beta1", "DestinationRule", "destinationrules"),
          ("flagger.app", "v1beta1", "Canary", "canaries"),
          ("argoproj.io", "v1alpha1", "Rollout", "rollouts"))


class Stop(Exception):
    """Somebody asked for the end."""


def main() -> None:
    cache, state = Path(sys.argv[1]), Path(sys.argv[2])
    state.mkdir(parents=True, exist_ok=True)
    ports = {name: int(port) for name, port in (word.split("=") for word in sys.argv[3:])}
    simulated = os.environ.get("LAB_KUBERNETES_NODE") == "simulated"
    lab = Lab(cache, state.resolve(), ports, real=os.geteuid() == 0 and not simulated)

    def stop(*_: object) -> None:
        raise Stop

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    lock = None
    code = 0
    try:
        if lab.real:
            lock = node.claim()
            node.sweep(lab)
        api = up(lab)
        facts = {"real_node": lab.real, "version": api.call("GET", "/version")["gitVersion"]}
        (lab.state / "facts.json").write_text(json.dumps(facts))
        say(f"kubernetes is ready: {facts['version']} with {'a real node' if lab.real else 'simulated nodes'}")
        watch(lab)
    except Stop:
        pass
    except Broken as broken:
        print(f"kubernetes: {broken}", file=sys.stderr, flush=True)
        code = 1
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        down(lab, lock is not None)
    sys.exit(code)


def up(lab: Lab) -> Api:
    """Starts everything; containerd gets its images while the API server comes up."""
    trouble: list[Broken] = []
    loading = None
    if lab.real:
        # Programs that are to die with this process must be started by its main thread.
        runtime = node.containerd(lab)

        def load() -> None:
            try:
                node.load(lab, runtime)
                specrun(lab)
            except Broken as broken:
                trouble.append(broken)

        loading = threading.Thread(target=load)
        loading.start()
    try:
        api = control.up(lab)
    finally:
        if loading:
            loading.join()
    if trouble:
        raise trouble[0]
    if lab.real:
        node.kubelet(lab, api, GPUS)
    control.settled(lab, api)
    extras(lab, api)
    return api


def specrun(lab: Lab) -> None:
    """Gives the node an image of the specrun that runs this: for load, and specs, from inside the cluster."""
    program = Path(os.environ.get("SPECRUN", ""))
    if not program.is_file():
        say("no image of specrun: SPECRUN names no program")
        return
    node.give(lab, image.of(lab, program))
    say(f"{image.NAME} of {program}")


def extras(lab: Lab, api: Api) -> None:
    """What runs beside the cluster."""
    words = Api.words(lab)
    python = sys.executable
    api.make(DEFINITIONS, (HERE / "inferenceservice.yaml").read_text(), "application/yaml")
    for group, version, kind, plural in STORED:
        schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        api.make(DEFINITIONS, {
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"{plural}.{group}"},
            "spec": {"group": group, "scope": "Namespaced",
                     "names": {"kind": kind, "listKind": kind + "List", "plural": plural, "singular": kind.lower()},
                     "versions": [{"name": version, "served": True, "storage": True, "subresources": {"status": {}},
                                   "schema": {"openAPIV3Schema": schema}}]}})
    simulate = lab.start("simulate", python, str(HERE / "simulate.py"), *words, "alone" if not lab.real else "beside")
    lab.certificate("metrics", "/CN=metrics", "serverAuth", "DNS:localhost,DNS:metrics.kube-system.svc,IP:127.0.0.1")
    metrics = lab.start("metrics", python, str(HERE / "metrics.py"), *words, str(lab.ports["metrics"]),
                        str(lab.pki / "metrics.crt"), str(lab.pki / "metrics.key"))
    definitions = ["inferenceservices.serving.kserve.io", *(f"{plural}.{group}" for group, _, _, plural in STORED)]

    def has(path: str, condition: str) -> bool:
        conditions = api.call("GET", path).get("status", {}).get("conditions", [])
        return any(c["type"] == condition and c["status"] == "True" for c in conditions)

    simulate.wait(30, lambda: all(has(f"{DEFINITIONS}/{name}", "Established") for name in definitions))
    controller = lab.start("isvc", python, str(HERE / "isvc_controller.py"), *words)
    controller.wait(30, lambda: bool(api.call("GET", "/apis/serving.kserve.io/v1beta1")))
    # A service of type ExternalName lets the API server ask a process of this machine.
    api.make("/api/v1/namespaces/kube-system/services", {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "metrics"},
        "spec": {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": lab.ports["metrics"]}]}})
    authority = base64.b64encode((lab.pki / "ca.crt").read_bytes()).decode()
    api.make("/apis/apiregistration.k8s.io/v1/apiservices", {
        "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": "v1beta1.metrics.k8s.io"},
        "spec": {"group": "metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100,
                 "caBundle": authority, "service": {"name": "metrics", "namespace": "kube-system", "port": lab.ports["metrics"]}}})
    # It is called available some seconds before the API server passes questions on to it.
    metrics.wait(60, lambda: bool(api.call("GET", "/apis/metrics.k8s.io/v1beta1")))
    simulate.wait(60, lambda: has("/api/v1/nodes/spot-1", "Ready"))
    say("InferenceServices, metrics, simulated nodes")


def watch(lab: Lab) -> None:
    """Waits for the end. An API server that dies is started again, as a node of a real cluster would do it."""
    while True:
        time.sleep(0.2)
        for child in list(lab.children):
            if child.process.poll() is None:
                continue
            if child.name != "kube-apiserver":
                raise Broken(f"{child.name} ended with {child.process.returncode}: {child.tail()}")
            say("the API server ended and is started again")
            lab.children.remove(child)
            lab.start(child.name, *child.process.args)


def down(lab: Lab, swept: bool) -> None:
    """Ends everything, the last started first; those that need no good order at once."""
    threads = [threading.Thread(target=child.stop, args=(3,)) for child in reversed(lab.children)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if swept:
        node.sweep(lab)
        control.down(lab)


if __name__ == "__main__":
    main()
