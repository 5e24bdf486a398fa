#!/usr/bin/env python3
"""controller.py --port PORT --routes FOLDER: a small stand-in for Flagger or Argo Rollouts.

When Alertmanager says that the alert about v2 fires, all traffic goes back to v1. Its status has the shape of Flagger's.

  GET  /status                   the status
  POST /rollout {"share": 10}    begins a rollout with this many percent for v2; 0 ends it
  POST /alerts                   Alertmanager's webhook

LAB_FAULT breaks it on purpose:
  asleep          alerts are taken and nothing is done
  wrong-version   everything goes to v2 instead of v1
"""

import argparse
import datetime
import os
import sys
import threading
from pathlib import Path

from routes import write_routes
from web import serve

FAULTS = ("", "asleep", "wrong-version")
FAULT = os.environ.get("LAB_FAULT", "")

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--routes", type=Path, required=True, help="the folder that Envoy watches")
arguments = parser.parse_args()
if FAULT not in FAULTS:
    sys.exit(f"controller.py: LAB_FAULT={FAULT} is unknown; it can be {', '.join(FAULTS[1:])}")

status: dict = {}
lock = threading.Lock()


def now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat().replace("+00:00", "Z")


def shift(share: int, phase: str, message: str) -> None:
    """Sends so many percent to v2, and says why."""
    write_routes(arguments.routes, share)
    status.update(
        phase=phase,
        canaryWeight=share,
        failedChecks=status.get("failedChecks", 0) + (phase == "Failed"),
        lastTransitionTime=now(),
        conditions=[{"type": "Promoted", "status": "False" if phase == "Failed" else "Unknown", "reason": phase,
                     "message": message, "lastTransitionTime": now()}],
    )


def answer(method: str, path: str, body: dict) -> object:
    with lock:
        if (method, path) == ("GET", "/status"):
            return {"controller": "lab", **status}
        if (method, path) == ("POST", "/rollout"):
            share = int(body["share"])
            status.clear()
            shift(share, "Progressing" if share else "Initialized", "a new rollout" if share else "at rest")
            return status
        if (method, path) == ("POST", "/alerts"):
            for alert in body.get("alerts", []):
                about = alert["labels"].get("destination_version") == "v2" and alert["status"] == "firing"
                if about and status["phase"] == "Progressing" and FAULT != "asleep":
                    to_v2 = 100 if FAULT == "wrong-version" else 0
                    shift(to_v2, "Failed", alert["annotations"].get("summary", ""))
                    print(now(), "rolled back:", status["conditions"][0]["message"], flush=True)
            return {}
    return None


# The proxy makes the folder when it starts, and may start beside this.
arguments.routes.mkdir(parents=True, exist_ok=True)
shift(0, "Initialized", "at rest")
serve(arguments.port, answer)
