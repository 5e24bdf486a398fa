"""api.py OUT: what the published client of KFP's API (PyPI kfp-server-api) says of it: routes, fields, states."""

import inspect
import json
import re
import sys

import kfp_server_api
from kfp_server_api import models

routes = set()
for name, value in vars(kfp_server_api).items():
    if inspect.isclass(value) and name.endswith("Api"):
        source = inspect.getsource(value)
        routes |= {(verb, path) for path, verb in re.findall(r"'(/apis/v2beta1/[^']*)', '([A-Z]+)'", source)}
wanted = ("V2beta1Run", "V2beta1RunDetails", "V2beta1PipelineTaskDetail", "V2beta1ArtifactList", "V2beta1RuntimeConfig",
          "V2beta1PipelineVersionReference", "V2beta1ListRunsResponse", "V2beta1ListExperimentsResponse",
          "V2beta1Experiment", "GoogleRpcStatus")
state = models.V2beta1RuntimeState
with open(sys.argv[1], "w") as out:
    json.dump({
        "from": f"kfp-server-api {kfp_server_api.__version__}",
        "routes": sorted(f"{verb} {path}" for verb, path in routes if "/runs" in path or "/experiments" in path),
        "models": {name: getattr(models, name).openapi_types for name in wanted},
        "states": sorted(v for k, v in vars(state).items() if k.isupper() and isinstance(v, str)),
    }, out, indent=1)
    out.write("\n")
