#!/usr/bin/env python3
"""balance.py --bin DIR --port N --admin N --single PORT --scaled PORT,PORT: a real Envoy in front of model servers.

Requests for the model `single` go to one server, those for the model `scaled` to several in turn. Everything else is
404. On loopback.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(prog="balance.py")
    parser.add_argument("--bin", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--admin", type=int, required=True)
    parser.add_argument("--single", required=True)
    parser.add_argument("--scaled", required=True)
    own = parser.parse_args()
    envoy = Path(own.bin) / "envoy"
    if not envoy.is_file():
        sys.exit(f"balance.py: there is no {envoy}")
    models = {"single": own.single.split(","), "scaled": own.scaled.split(",")}
    # No hot restart, so that several Envoys of one machine do not meet.
    os.execv(envoy, [str(envoy), "--disable-hot-restart", "--concurrency", "1", "-l", "warn",
                     "--config-yaml", json.dumps(config(own.port, own.admin, models))])


def config(port: int, admin: int, models: dict[str, list[str]]) -> dict:
    manager = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
    router = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
    routes = [
        {"match": {"safe_regex": {"regex": f"/v[12]/models/{model}([/:].*)?"}},
         "route": {"cluster": model, "timeout": "30s"}}
        for model in models
    ]
    return {
        "admin": {"address": loopback(admin)},
        "static_resources": {
            "listeners": [{
                "name": "models",
                "address": loopback(port),
                "filter_chains": [{"filters": [{
                    "name": "http",
                    "typed_config": {
                        "@type": manager,
                        "stat_prefix": "models",
                        "route_config": {"virtual_hosts": [{"name": "models", "domains": ["*"], "routes": routes}]},
                        "http_filters": [{"name": "router", "typed_config": {"@type": router}}],
                    },
                }]}],
            }],
            "clusters": [{
                "name": model,
                "type": "STATIC",
                "lb_policy": "LEAST_REQUEST",
                "load_assignment": {"cluster_name": model, "endpoints": [{"lb_endpoints": [
                    {"endpoint": {"address": loopback(int(server))}} for server in servers]}]},
            } for model, servers in models.items()],
        },
    }


def loopback(port: int) -> dict:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


if __name__ == "__main__":
    main()
