#!/usr/bin/env python3
"""admission_webhook.py KUBERNETES REGISTRY COSIGN REGISTRY-PORT PORT STATE: an admission policy of the lab's Kubernetes that lets
InferenceServices in only when what they name is signed: each `image`, and each model in a registry (`storageUri: oci://...`).

The real cosign decides, with the public key that registry.py made. KUBERNETES and REGISTRY are the folders of those services, COSIGN
is the program. The API server asks over HTTPS on PORT, with a certificate made at each start. What is refused is refused with 403 and
the reason: `unsigned`, `wrong key`, `tampered`, `no such image`. What cosign could not tell is refused with 503, so that a registry
that is down does not look like a bad signature.

The policy guards namespaces with the label that STATE/policy.json names, so that several of them in one cluster do not meet. It
says "admission is in force" when the API server really asks it. When it is told to stop, it takes its registration back.

LAB_FAULT breaks it: `unregistered` (nobody asks it), `failing-open` (it does not answer, and its registration says that this does
not matter), `down` (it does not answer), `other-key` (it trusts the key of somebody else).
"""

from __future__ import annotations

import base64
import http.server
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
from pathlib import Path
from typing import Any, Iterator

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "kubernetes"))
from parts import Api, Broken, Lab, say  # noqa: E402

WEBHOOK = "model-signature.specrun.local"
LABEL = "specrun.local/model-signature"
FAULTS = ("", "unregistered", "failing-open", "down", "other-key")
CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
NAMESPACES = "/api/v1/namespaces"


class Stop(Exception):
    """Somebody asked for the end."""


class Cosign:
    """The real cosign, asked about one image after the other."""

    def __init__(self, program: str, registry: Path, key: str) -> None:
        self.words = [program, "verify", "--key", str(registry / "keys" / f"{key}.pub"), "--insecure-ignore-tlog=true",
                      "--allow-http-registry=true", "-o", "json", "--"]
        self.env = {**os.environ, "HOME": str(registry / "home"), "DOCKER_CONFIG": str(registry / "home")}

    def refusal(self, image: str) -> tuple[int, str] | None:
        """Why the image may not run, with an HTTP status; None when its signature is good."""
        try:
            done = subprocess.run([*self.words, image], env=self.env, capture_output=True, text=True, timeout=8,
                                  stdin=subprocess.DEVNULL, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return 503, f"could not tell: {image}: {error}"
        if done.returncode == 0:
            return None
        said = done.stderr.strip()
        last = (said.splitlines() or [""])[-1][:200]
        # The codes are those of cosign 2; 12 is "none of its signatures matches", and the text says in what.
        kind = {10: "unsigned", 11: "no such image", 12: "mismatch"}.get(done.returncode)
        if kind == "mismatch":
            kind = "tampered" if re.search("digest in claim|digest mismatch", said) else "wrong key"
        return (403, f"{kind}: {image}: {last}") if kind else (503, f"could not tell: {image}: {last}")


def images(node: Any) -> Iterator[str]:
    """What an object wants to run, and the models that it wants to load from a registry."""
    if isinstance(node, list):
        for value in node:
            yield from images(value)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "image" and isinstance(value, str):
                yield value
            elif key == "storageUri" and isinstance(value, str) and value.startswith("oci://"):
                yield value.removeprefix("oci://")
            else:
                yield from images(value)


def review(body: bytes, cosign: Cosign) -> dict[str, Any]:
    """The answer to an AdmissionReview. An object that names nothing to verify is refused: nobody vouches for it."""
    request = json.loads(body)["request"]
    named = list(dict.fromkeys(images(request["object"]["spec"])))
    refusals = [why for why in map(cosign.refusal, named) if why] if named else [(403, "nothing to verify")]
    response: dict[str, Any] = {"uid": request["uid"], "allowed": not refusals}
    if refusals:
        # What nobody could judge weighs more than what is bad: the object was not judged whole.
        code = max(code for code, _ in refusals)
        response["status"] = {"code": code, "reason": "Forbidden" if code == 403 else "ServiceUnavailable",
                              "message": "; ".join(text for _, text in refusals)}
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}


def serve(port: int, lab: Lab, cosign: Cosign) -> None:
    """Answers the API server, in threads."""
    class Handler(http.server.BaseHTTPRequestHandler):
        timeout = 30

        def log_message(self, *_: Any) -> None:
            pass

        def do_POST(self) -> None:
            try:
                answer = review(self.rfile.read(int(self.headers["content-length"])), cosign)
            except (TypeError, ValueError, KeyError) as error:
                self.send_error(400, f"not an AdmissionReview: {error!r}")
                return
            say(json.dumps(answer["response"]))
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(lab.pki / "webhook.crt", lab.pki / "webhook.key")
    # The handshake belongs to the thread of the connection: a client that stands still holds up nobody else.
    server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()


class Registration:
    """The policy as the API server knows it, and a namespace to try it in."""

    def __init__(self, api: Api, port: int) -> None:
        self.api, self.port, self.name = api, port, f"model-signature-{port}"
        self.labels = {LABEL: str(port)}

    def make(self, authority: bytes, policy: str) -> None:
        self.remove()
        self.api.make(CONFIGURATIONS, {
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": self.name},
            "webhooks": [{
                "name": WEBHOOK, "failurePolicy": policy, "sideEffects": "None", "timeoutSeconds": 10,
                "admissionReviewVersions": ["v1"], "matchPolicy": "Equivalent",
                "clientConfig": {"url": f"https://127.0.0.1:{self.port}/", "caBundle": base64.b64encode(authority).decode()},
                "namespaceSelector": {"matchLabels": self.labels},
                "rules": [{"apiGroups": ["serving.kserve.io"], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"],
                           "resources": ["inferenceservices"]}],
            }]})

    def wait(self, image: str) -> None:
        """Until the API server asks: shortly after it was told, it does not yet. The question changes nothing."""
        self.api.make(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.name, "labels": self.labels}})
        probe = {"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService", "metadata": {"name": "probe"},
                 "spec": {"predictor": {"model": {"image": image}}}}
        end = time.monotonic() + 60
        while True:
            try:
                self.api.call("POST", f"/apis/serving.kserve.io/v1beta1/namespaces/{self.name}/inferenceservices?dryRun=All", probe)
                said = "it let an unsigned image in"
            except urllib.error.HTTPError as error:
                said = error.read().decode(errors="replace")
                if WEBHOOK in said:
                    return
            except OSError as error:
                said = str(error)
            if time.monotonic() > end:
                raise Broken(f"the API server does not ask {self.name}: {said[:300]}")
            time.sleep(0.1)

    def remove(self) -> None:
        """Takes back what is there. A cluster that is gone has nothing to take back."""
        for path in (CONFIGURATIONS, NAMESPACES):
            try:
                self.api.call("DELETE", f"{path}/{self.name}")
            except OSError:
                pass


def main() -> None:
    if len(sys.argv) != 7:
        sys.exit("usage: admission_webhook.py KUBERNETES REGISTRY COSIGN REGISTRY-PORT PORT STATE")
    kubernetes, registry, cosign, registry_port, port, state = sys.argv[1:]
    fault = os.environ.get("LAB_FAULT", "")
    if fault not in FAULTS:
        sys.exit(f"admission_webhook.py: LAB_FAULT={fault} is unknown; it can be {', '.join(filter(None, FAULTS))}")

    def stop(*_: object) -> None:
        raise Stop

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    lab = Lab(Path(), Path(state).resolve(), {}, real=False)
    cluster = json.loads(Path(kubernetes, "admin.kubeconfig").read_text())["clusters"][0]["cluster"]["server"]
    pki = Path(kubernetes, "pki")
    api = Api(cluster, *(str(pki / file) for file in ("ca.crt", "admin.crt", "admin.key")))
    registration = Registration(api, int(port))
    try:
        shutil.rmtree(lab.pki, ignore_errors=True)
        lab.pki.mkdir(mode=0o700, parents=True)
        lab.authority("ca")
        lab.certificate("webhook", f"/CN={WEBHOOK}", "serverAuth", "IP:127.0.0.1")
        (lab.state / "policy.json").write_text(json.dumps({
            "configuration": registration.name, "namespace_labels": registration.labels,
            "registry": f"127.0.0.1:{registry_port}"}))
        if fault not in ("failing-open", "down"):
            serve(int(port), lab, Cosign(cosign, Path(registry), "other" if fault == "other-key" else "cosign"))
        if fault != "unregistered":
            registration.make((lab.pki / "ca.crt").read_bytes(), "Ignore" if fault == "failing-open" else "Fail")
            if fault != "failing-open":
                registration.wait(f"127.0.0.1:{registry_port}/models/predictor:unsigned")
        say(f"admission is in force: {registration.name} {fault}")
        while True:
            signal.pause()
    except Stop:
        pass
    except Broken as broken:
        sys.exit(f"admission_webhook.py: {broken}")
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        registration.remove()


if __name__ == "__main__":
    main()
