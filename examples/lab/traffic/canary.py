#!/usr/bin/env python3
"""canary.py: the program `canary` of the lab, by which specs begin a rollout and break the new version.

  canary.py ... rollout PERCENT      so many percent of the traffic go to v2; 0 ends the rollout
  canary.py ... break PERCENT        so many percent of v2's answers are errors; 0 heals it
  canary.py ... status               what the rollout controller says, as an object in the shape of Flagger's

Prints one JSON line, with the moment (`at`) before the change was asked for.
"""

import argparse
import datetime
import json
import sys
import urllib.error
import urllib.request


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--controller", required=True, help="URL of the rollout controller")
    parser.add_argument("--v2", required=True, help="URL of the new version")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("rollout", "break"):
        verbs.add_parser(verb).add_argument("percent", type=int, choices=range(101), metavar="PERCENT")
    verbs.add_parser("status")
    a = parser.parse_args()
    at = datetime.datetime.now(datetime.timezone.utc).isoformat().replace("+00:00", "Z")
    if a.verb == "rollout":
        said = call(f"{a.controller}/rollout", {"share": a.percent})
    elif a.verb == "break":
        said = call(f"{a.v2}/_faults", {"error_rate": a.percent / 100})
    else:
        status = call(f"{a.controller}/status")
        status.pop("controller")
        said = {"object": {"apiVersion": "flagger.app/v1beta1", "kind": "Canary",
                           "metadata": {"name": "predictor", "namespace": "models"}, "status": status}}
    print(json.dumps({"at": at, **said}))


def call(url: str, body: dict | None = None) -> dict:
    """Asks and reads JSON; in one sentence why it could not."""
    data = None if body is None else json.dumps(body).encode()
    # A proxy of the machine has nothing to do with the lab.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, data, {"content-type": "application/json"}), timeout=10) as answer:
            return json.load(answer)
    except (OSError, ValueError) as e:
        sys.exit(f"canary.py: {url}: {e}")


if __name__ == "__main__":
    main()
