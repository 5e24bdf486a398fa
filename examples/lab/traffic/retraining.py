#!/usr/bin/env python3
"""retraining.py --port PORT -- TRAINING...: starts a training when Alertmanager says that the data drifted.

The training is a command; it is given `--register` with the alert's label `model`, and `--trigger` with the
alert's fingerprint, which becomes the run's tag `trigger`. One training at a time; the same alert starts one.

  GET  /status    what was asked for and what came of it
  POST /alerts    Alertmanager's webhook

LAB_FAULT breaks it on purpose:
  lazy    alerts are taken and nothing is trained
"""

import argparse
import datetime
import json
import os
import queue
import subprocess
import sys
import threading

from web import serve

FAULT = os.environ.get("LAB_FAULT", "")

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--port", type=int, required=True)
parser.add_argument("training", nargs="+", help="the command that trains")
arguments = parser.parse_args()
if FAULT not in ("", "lazy"):
    sys.exit(f"retraining.py: LAB_FAULT={FAULT} is unknown; it can be lazy")

jobs: dict[str, dict] = {}
waiting: "queue.Queue[dict]" = queue.Queue()
lock = threading.Lock()


def now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat().replace("+00:00", "Z")


def answer(method: str, path: str, body: dict) -> object:
    if (method, path) == ("GET", "/status"):
        with lock:
            return {"receiver": "retraining", "jobs": list(jobs.values())}
    if (method, path) == ("POST", "/alerts"):
        for alert in body.get("alerts", []):
            with lock:
                fingerprint = alert["fingerprint"]
                if alert["status"] != "firing" or fingerprint in jobs or FAULT == "lazy":
                    continue
                jobs[fingerprint] = {"alert": fingerprint, "labels": alert["labels"], "asked_at": now(),
                                     "state": "waiting"}
                waiting.put(jobs[fingerprint])
        return {}
    return None


def train() -> None:
    """Works off what was asked for, one after the other."""
    while True:
        job = waiting.get()
        job.update(state="training", started_at=now())
        command = [*arguments.training, f"--register={job['labels'].get('model', 'retrained')}",
                   f"--trigger={job['alert']}"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        lines = done.stdout.strip().splitlines()
        if done.returncode == 0 and lines:
            job.update(state="done", ended_at=now(), result=json.loads(lines[-1]))
        else:
            job.update(state="failed", ended_at=now(), error=done.stderr.strip()[-500:])
        print(now(), job["alert"], job["state"], flush=True)


threading.Thread(target=train, daemon=True).start()
serve(arguments.port, answer)
