#!/usr/bin/env python3
"""metrics.py API-URL CA CERT KEY PORT SERVER-CERT SERVER-KEY: a small metrics server. It answers metrics.k8s.io/v1beta1 (pods,
nodes) from the numbers of the real kubelets, so that autoscalers and `kubectl top` work. The API server asks it.
"""

from __future__ import annotations

import json
import re
import ssl
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Iterator

from parts import Api

GROUP = "metrics.k8s.io/v1beta1"
PODS = re.compile(rf"/apis/{GROUP}(?:/namespaces/([^/]+))?/pods(?:/([^/]+))?")


def now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def usage(measured: dict[str, Any]) -> dict[str, str]:
    return {"cpu": f"{measured.get('cpu', {}).get('usageNanoCores', 0)}n",
            "memory": str(measured.get("memory", {}).get("workingSetBytes", 0))}


class Metrics(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api: Api

    def summary(self, node: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self.api.call("GET", f"/api/v1/nodes/{node}/proxy/stats/summary")
            return found
        except OSError:
            return None  # no kubelet there: no numbers, which are not zeros

    def measured(self, pods: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        summaries = [self.summary(node) for node in {p["spec"]["nodeName"] for p in pods}]
        found = {p["podRef"]["uid"]: p for s in summaries if s for p in s["pods"]}
        for pod in pods:
            meta = pod["metadata"]
            if meta["uid"] in found:
                yield {"metadata": {k: meta.get(k) for k in ("name", "namespace", "labels")}, "timestamp": now(), "window": "10s",
                       "containers": [{"name": c["name"], "usage": usage(c)} for c in found[meta["uid"]].get("containers", [])]}

    def answer(self, path: str, query: dict[str, str]) -> Any:
        if path == f"/apis/{GROUP}":
            return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": GROUP, "resources": [
                {"name": "pods", "singularName": "", "namespaced": True, "kind": "PodMetrics", "verbs": ["get", "list"]},
                {"name": "nodes", "singularName": "", "namespaced": False, "kind": "NodeMetrics", "verbs": ["get", "list"]}]}
        if found := PODS.fullmatch(path):
            select = urllib.parse.urlencode({k: v for k, v in query.items() if k in ("labelSelector", "fieldSelector")})
            place = f"/api/v1/namespaces/{found[1]}/pods" if found[1] else "/api/v1/pods"
            pods = [p for p in self.api.call("GET", f"{place}?{select}")["items"]
                    if p["status"].get("phase") == "Running" and not p["metadata"].get("deletionTimestamp")]
            items = list(self.measured(pods))
            if found[2]:
                return next((i for i in items if i["metadata"]["name"] == found[2]), None)
            return {"kind": "PodMetricsList", "apiVersion": GROUP, "metadata": {}, "items": items}
        if path == f"/apis/{GROUP}/nodes":
            names = [n["metadata"]["name"] for n in self.api.call("GET", "/api/v1/nodes")["items"]]
            seen = [(name, self.summary(name)) for name in names]
            return {"kind": "NodeMetricsList", "apiVersion": GROUP, "metadata": {}, "items": [
                {"metadata": {"name": n}, "timestamp": now(), "window": "10s", "usage": usage(s["node"])} for n, s in seen if s]}
        return "ok" if path in ("/healthz", "/readyz", "/livez") else None

    def do_GET(self) -> None:
        url = urllib.parse.urlparse(self.path)
        failure = {"kind": "Status", "apiVersion": "v1", "status": "Failure"}
        try:
            answer = self.answer(url.path.rstrip("/"), dict(urllib.parse.parse_qsl(url.query)))
        except (OSError, ValueError, KeyError) as error:  # the API server is away, or a kubelet answers oddly
            answer = {**failure, "reason": "InternalError", "message": str(error), "code": 500}
        answer = answer or {**failure, "reason": "NotFound", "code": 404}
        body = json.dumps(answer).encode()
        self.send_response(answer.get("code", 200) if isinstance(answer, dict) else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


def main() -> None:
    Metrics.api, (port, certificate, key) = Api.from_arguments()
    server = ThreadingHTTPServer(("127.0.0.1", int(port)), Metrics)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
