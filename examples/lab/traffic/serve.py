#!/usr/bin/env python3
"""serve.py PROGRAM FOLDER ...: writes the configuration of Envoy, Prometheus or Alertmanager and becomes it.

Everything listens on 127.0.0.1. The ports are given, because who starts the services chose free ones.

LAB_FAULT breaks it on purpose:
  lone       the balancer sends everything to the first replica
  no-alert   Prometheus has no alerting rule
  nobody     Alertmanager sends the alert about drift to nobody
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from routes import write_routes

HERE = Path(__file__).resolve().parent
FAULTS = ("", "lone", "no-alert", "nobody")
FAULT = os.environ.get("LAB_FAULT", "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    programs = parser.add_subparsers(dest="program", required=True)
    for make, options in (
        (balancer, ("admin", "port", "first", "second")),
        (envoy, ("admin", "ingress", "v1", "v2")),
        (prometheus, ("port", "envoy", "v1", "v2", "alertmanager", "costs")),
        (alertmanager, ("port", "controller", "retraining")),
    ):
        one = programs.add_parser(make.__name__)
        one.set_defaults(make=make)
        one.add_argument("--bin", required=True, type=Path, help="the folder of the program")
        one.add_argument("--dir", required=True, type=Path, help="a folder for its configuration and data")
        for option in options:
            one.add_argument(f"--{option}", required=True, type=int, help="a port")
    arguments = parser.parse_args()
    if FAULT not in FAULTS:
        sys.exit(f"serve.py: LAB_FAULT={FAULT} is unknown; it can be {', '.join(FAULTS[1:])}")
    arguments.dir.mkdir(parents=True, exist_ok=True)
    program, *words = arguments.make(arguments)
    os.execv(program, [str(program), *map(str, words)])


# --- Envoy ---------------------------------------------------------------------------------------------------------

def envoy(a: argparse.Namespace) -> list:
    """The canary's proxy: routes from a watched file, as a mesh's control plane would push them."""
    routes = a.dir / "xds"
    routes.mkdir(parents=True, exist_ok=True)
    write_routes(routes, v2=0)
    return proxy(a, "envoy", "ingress", a.ingress, f"""
          rds:
            route_config_name: predictor
            config_source:
              resource_api_version: V3
              path_config_source: {{path: "{routes}/rds.yaml", watched_directory: {{path: "{routes}"}}}}""",
                 cluster("predictor_v1", a.v1), cluster("predictor_v2", a.v2),
                 # Histograms (not counters) move only at each flush, every 5 s without this.
                 more="stats_flush_interval: 1s\n")


def balancer(a: argparse.Namespace) -> list:
    """The proxy before the replicas of one model: `single` names the first alone, `scaled` all of them."""
    everybody = [a.first] if FAULT == "lone" else [a.first, a.second]
    return proxy(a, "balancer", "replicas", a.port, """
          route_config:
            name: replicas
            virtual_hosts:
            - {name: single, domains: [single], routes: [{match: {prefix: "/"}, route: {cluster: single}}]}
            - {name: scaled, domains: [scaled], routes: [{match: {prefix: "/"}, route: {cluster: scaled}}]}""",
                 cluster("single", a.first), cluster("scaled", *everybody))


def proxy(a: argparse.Namespace, file: str, listener: str, port: int, routes: str, *clusters: str, more: str = "") -> list:
    """An Envoy with one listener."""
    config = a.dir / f"{file}.yaml"
    config.write_text(f"""node: {{id: lab, cluster: lab}}
{more}admin: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {a.admin}}}}}}}
static_resources:
  listeners:
  - name: {listener}
    address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: {listener}
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {{"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}{routes}
  clusters:{"".join(clusters)}
""")
    return [a.bin / "envoy", "-c", config, "--concurrency", 1, "--disable-hot-restart", "-l", "warn"]


def cluster(name: str, *ports: int) -> str:
    """Servers behind the proxy; the one with the fewest requests gets the next. A model server gives up a connection
    that was idle for 5 s, so the proxy gives it up before."""
    servers = ", ".join(
        f"{{endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}}}}}" for port in ports)
    return f"""
  - name: {name}
    connect_timeout: 0.5s
    type: STATIC
    lb_policy: LEAST_REQUEST
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        common_http_protocol_options: {{idle_timeout: 3s}}
        explicit_http_config: {{http_protocol_options: {{}}}}
    load_assignment: {{cluster_name: {name}, endpoints: [{{lb_endpoints: [{servers}]}}]}}"""


# --- Prometheus ----------------------------------------------------------------------------------------------------

def prometheus(a: argparse.Namespace) -> list:
    """Scrapes the proxy twice: as it is, and with the names and labels that a mesh would give the same counters."""
    rules = HERE / ("rules-without-alert.yml" if FAULT == "no-alert" else "rules.yml")
    config = a.dir / "prometheus.yml"
    config.write_text(f"""global: {{scrape_interval: 1s, scrape_timeout: 900ms, evaluation_interval: 1s}}
rule_files: ["{rules}"]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["127.0.0.1:{a.alertmanager}"]}}]}}]}}
scrape_configs:
- job_name: prometheus
  static_configs: [{{targets: ["127.0.0.1:{a.port}"]}}]
- job_name: envoy
  metrics_path: /stats/prometheus
  params: {{usedonly: [""]}}
  static_configs: [{{targets: ["127.0.0.1:{a.envoy}"]}}]
- job_name: predictors
  static_configs: [{{targets: ["127.0.0.1:{a.v1}", "127.0.0.1:{a.v2}"]}}]
- job_name: costs
  static_configs: [{{targets: ["127.0.0.1:{a.costs}"]}}]
  # Its series are about nodes, not about where they were scraped.
  honor_labels: true
# PromQL written for Istio runs unchanged on these.
- job_name: istio-shaped
  metrics_path: /stats/prometheus
  params: {{usedonly: [""], filter: ["^cluster\\\\.predictor_v[12]\\\\.upstream_rq_([0-9]+|time)$"]}}
  static_configs: [{{targets: ["127.0.0.1:{a.envoy}"]}}]
  metric_relabel_configs:
  - {{source_labels: [__name__, envoy_response_code], regex: "envoy_cluster_upstream_rq;[0-9]+|envoy_cluster_upstream_rq_time_(bucket|sum|count);", action: keep}}
  - {{source_labels: [envoy_response_code], target_label: response_code}}
  - {{source_labels: [envoy_cluster_name], regex: "predictor_(v[12])", target_label: destination_version, replacement: "$1"}}
  - {{source_labels: [envoy_cluster_name], regex: "predictor_(v[12])", target_label: destination_workload, replacement: "predictor-$1"}}
  - {{target_label: destination_workload_namespace, replacement: models}}
  - {{target_label: reporter, replacement: destination}}
  - {{source_labels: [__name__], regex: envoy_cluster_upstream_rq, target_label: __name__, replacement: istio_requests_total}}
  - {{source_labels: [__name__], regex: "envoy_cluster_upstream_rq_time_(.+)", target_label: __name__, replacement: "istio_request_duration_milliseconds_$1"}}
  - {{regex: "envoy_.*", action: labeldrop}}
""")
    return [a.bin / "prometheus", f"--config.file={config}", f"--storage.tsdb.path={a.dir}/tsdb",
            f"--web.listen-address=127.0.0.1:{a.port}", "--rules.alert.resend-delay=1s", "--log.level=warn"]


# --- Alertmanager --------------------------------------------------------------------------------------------------

def alertmanager(a: argparse.Namespace) -> list:
    """Routes the alert of the canary to the rollback controller, and that of drift to the retraining."""
    drift = "nobody" if FAULT == "nobody" else "retraining"
    config = a.dir / "alertmanager.yml"
    config.write_text(f"""route:
  receiver: nobody
  group_by: ["..."]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 1h
  routes:
  - {{matchers: [alertname="PredictorHighErrorRate"], receiver: rollback}}
  - {{matchers: [alertname="DataDrift"], receiver: {drift}}}
receivers:
- name: nobody
- name: rollback
  webhook_configs: [{{url: "http://127.0.0.1:{a.controller}/alerts", send_resolved: true}}]
- name: retraining
  webhook_configs: [{{url: "http://127.0.0.1:{a.retraining}/alerts", send_resolved: false}}]
""")
    return [a.bin / "alertmanager", f"--config.file={config}", f"--storage.path={a.dir}/data",
            f"--web.listen-address=127.0.0.1:{a.port}", "--cluster.listen-address="]


if __name__ == "__main__":
    main()
