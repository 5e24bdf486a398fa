"""The route configuration that Envoy watches: the share of each version."""

import os
import time
from pathlib import Path

TEMPLATE = """version_info: "{version}"
resources:
- "@type": type.googleapis.com/envoy.config.route.v3.RouteConfiguration
  name: predictor
  virtual_hosts:
  - name: predictor
    domains: ["*"]
    routes:
    - match: {{prefix: "/"}}
      route:
        weighted_clusters:
          clusters:
          - {{name: predictor_v1, weight: {v1}}}
          - {{name: predictor_v2, weight: {v2}}}
"""


def write_routes(folder: Path, v2: int) -> None:
    """Gives v2 this many percent. One step: Envoy reacts to a rename in the folder it watches."""
    part = folder / "rds.yaml.part"
    part.write_text(TEMPLATE.format(version=time.time_ns(), v1=100 - v2, v2=v2))
    os.replace(part, folder / "rds.yaml")
