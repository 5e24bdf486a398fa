#!/usr/bin/env python3
"""costs.py --port PORT: what nodes cost, in the metrics that OpenCost exports, so that costs can be asked for in PromQL.

The prices are made up: an hour of `spot-1` costs 0.36, one of `on-demand-1` 1.20, in US dollars.
LAB_FAULT=dear-spot makes spot the dearer one.
"""

import argparse
import http.server
import os

FAULTS = ("", "dear-spot")
FAULT = os.environ.get("LAB_FAULT", "")
# node, whether it is a spot node, what an hour costs
NODES = (("spot-1", 1, 1.30 if FAULT == "dear-spot" else 0.36), ("on-demand-1", 0, 1.20))


def page() -> str:
    """The metrics in Prometheus' text form."""
    lines = ["# HELP node_total_hourly_cost What an hour of the node costs.", "# TYPE node_total_hourly_cost gauge"]
    labels = 'node="{0}",instance="{0}",instance_type="g5.2xlarge",region="lab",provider_id="lab:///{0}"'
    lines += [f"node_total_hourly_cost{{{labels.format(node)}}} {price}" for node, _, price in NODES]
    lines += ["# HELP kubecost_node_is_spot Whether the node is a spot node.", "# TYPE kubecost_node_is_spot gauge"]
    lines += [f"kubecost_node_is_spot{{{labels.format(node)}}} {spot}" for node, spot, _ in NODES]
    return "\n".join(lines) + "\n"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        text = page().encode()
        self.send_response(200 if self.path == "/metrics" else 404)
        self.send_header("content-type", "text/plain; version=0.0.4")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Nothing."""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", required=True, type=int)
    arguments = parser.parse_args()
    if FAULT not in FAULTS:
        parser.error(f"LAB_FAULT={FAULT} is unknown; it can be {', '.join(FAULTS[1:])}")
    http.server.ThreadingHTTPServer(("127.0.0.1", arguments.port), Handler).serve_forever()
