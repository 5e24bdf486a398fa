"""Both stores of a Feast over many entities: `feast.compare` beside the same loop through Feast's Python SDK.

Needs the lab's Feast (`specrun env up --env lab feast` installs it). The SDK's loop asks for one entity after the other, online
and offline, as a script of a QA team does; it is measured on a sample and scaled, and so is the SDK asked in batches of a
thousand, which is the best it can do.
"""

import json
import os
import pathlib
import socket
import subprocess
import sys
import time
import urllib.request

from common import ROOT, Limits, arguments, project, timed

LAB = ROOT / "examples/lab"
FEATURES = ["customer_stats:n_tx_7d", "customer_stats:avg_amount", "customer_stats:segment"]

SDK = """
import json, sys, time
import pandas as pd
from feast import FeatureStore
store, features, count, whole = FeatureStore("."), json.loads(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
now = pd.Timestamp.now(tz="UTC")

def agree(ids):
    online = store.get_online_features(features=features, entity_rows=[{"customer_id": i} for i in ids]).to_dict()
    rows = pd.DataFrame({"customer_id": ids, "event_timestamp": [now] * len(ids)})
    offline = store.get_historical_features(rows, features).to_df().set_index("customer_id")
    return sum(
        online[name.split(":")[1]][n] == offline.loc[i, name.split(":")[1]] for n, i in enumerate(ids) for name in features
    )

agree([1])
start = time.perf_counter()
for i in range(1, count + 1):
    agree([i])
single = (time.perf_counter() - start) / count
size = min(1000, whole)
start = time.perf_counter()
agree(list(range(1, size + 1)))
batch = (time.perf_counter() - start) / size
print(json.dumps({"single": single, "batch": batch}))
"""


def main():
    args = arguments(__doc__, entities=1_000_000, sample=20)
    limits = Limits()
    cache = pathlib.Path(
        os.environ.get("SPECRUN_CACHE") or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "specrun"
    )
    python = cache / "lab/feast/bin/python"
    if not python.exists():
        sys.exit(f"there is no {python}: run `specrun env up --env lab feast` once")
    with project() as folder:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        log = open(pathlib.Path(folder) / "feast.log", "w")
        server = subprocess.Popen(
            [python, LAB / "feast/serve.py", str(port), folder],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env={**os.environ, "LAB_CUSTOMERS": str(args.entities), "FEAST_USAGE": "False"},
        )
        try:
            ready(server, port)
            measure(args, limits, folder, port, python)
        finally:
            server.terminate()
            server.wait()
    limits.end()


def ready(server, port):
    """Waits until the server answers: making and materializing a million rows takes minutes."""
    while True:
        if server.poll() is not None:
            sys.exit("the feature server ended; see feast.log")
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/openapi.json", timeout=5).read()
            return
        except OSError:
            time.sleep(0.5)


def measure(args, limits, folder, port, python):
    source = {"path": f"{folder}/repo/data/customer_stats.parquet", "keys": ["customer_id"], "timestamp": "event_timestamp",
              "created": "created", "ttl": "7d"}
    env = {"environment": "bench", "endpoints": {"feast": {"url": f"http://127.0.0.1:{port}", "sources": {"customer_stats": source}}}}
    spec = {
        "specrun": 1, "id": "bench", "title": "Both stores agree", "tools": ["feast"], "timeout": "2h",
        "steps": [{"id": "both", "timeout": "2h", "feast.compare": {"features": FEATURES}}],
        "expect": [f"both.entities >= {args.entities - 1}", "both.disagree == 0"],
    }
    for name, content in (("env.yaml", env), ("spec.yaml", spec)):
        pathlib.Path(folder, name).write_text(json.dumps(content))
    code, text, seconds, memory = timed([args.specrun, "run", "spec.yaml", "--env", "env.yaml"], folder)
    limits.must(f"{args.entities} entities compared, all the same", code == 0)
    if code != 0:
        print(*text)
        return
    limits.show("feast.compare", seconds, "s")
    limits.show("feast.compare, processor of specrun", timed.cpu, "s")
    limits.show("feast.compare, memory of specrun", memory, "MiB")
    done = subprocess.run([python, "-c", SDK, json.dumps(FEATURES), str(args.sample), str(args.entities)],
                          cwd=f"{folder}/repo", capture_output=True, text=True, env={**os.environ, "FEAST_USAGE": "False"})
    if done.returncode != 0:
        sys.exit(done.stderr)
    sdk = json.loads(done.stdout.splitlines()[-1])
    limits.show("the SDK, one after the other (scaled)", sdk["single"] * args.entities, "s")
    limits.show("the SDK, a thousand at once (scaled)", sdk["batch"] * args.entities, "s")
    limits.show("feast.compare over the SDK's loop", seconds / (sdk["single"] * args.entities), "", 0.1)
    limits.show("feast.compare over the SDK in batches", seconds / (sdk["batch"] * args.entities), "")


main()
