"""All rows of the test matrix on the warm lab, again and again: each run must pass whole, and in time.

The lab is started once and stopped at the end; each round is one `specrun run specs --env lab`. The first round installs
what is missing. As root on Debian, all rows run; elsewhere those of the real node are blocked, and the round counts as broken.
"""

import collections
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

from common import ROOT, Limits, arguments, project

args = arguments(__doc__.splitlines()[0], rounds=20, jobs=2, limit=300.0, specs="specs")
limits = Limits()
bad = collections.Counter()
times = []


def verdicts(run_dir):
    """The verdict of each spec in the report, and of each check that did not pass."""
    report = json.loads((run_dir / "report.json").read_text())
    for spec in report["specs"]:
        outcomes = [(c["check"]["id"], c["outcome"]["verdict"]) for c in spec["checks"]]
        wrong = [f"{check} {verdict}" for check, verdict in outcomes if verdict != "passed"]
        yield spec["id"], spec["verdict"], wrong


# Told to stop, it stops the lab, too.
signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
with project() as folder:
    folder = pathlib.Path(folder)
    env = {"SPECRUN_SERVICES": str(folder / "services")}
    for name in ("CI", "GITHUB_ACTIONS"):
        os.environ.pop(name, None)
    try:
        # Its output goes to a file: services that stay up would hold a pipe open.
        with (folder / "up.log").open("wb") as log:
            code = subprocess.call([args.specrun, "env", "up", "--env", "lab"], cwd=ROOT, env={**os.environ, **env},
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if code != 0:
            sys.exit((folder / "up.log").read_text(errors="replace")[-3000:])
        for number in range(1, args.rounds + 1):
            run_dir = folder / f"run-{number}"
            run_dir.mkdir()
            command = [args.specrun, "run", args.specs, "--env", "lab", "--jobs", str(args.jobs), "--quiet",
                       "--run-dir", str(run_dir), "--report", f"json={run_dir / 'report.json'}"]
            start = time.perf_counter()
            with subprocess.Popen(command, cwd=ROOT, env={**os.environ, **env}, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
                try:
                    code = child.wait()
                finally:
                    child.terminate()
            seconds = time.perf_counter() - start
            rows = list(verdicts(run_dir))
            passed = sum(verdict == "passed" for _, verdict, _ in rows)
            print(f"round {number}: exit {code}, {passed} of {len(rows)} passed, {seconds:.1f} s, load "
                  f"{os.getloadavg()[0]:.1f}", flush=True)
            for row, verdict, wrong in rows:
                if verdict != "passed":
                    bad[row] += 1
                    print(f"  {row} {verdict}: {', '.join(wrong[:8])}", flush=True)
            times.append(seconds)
            limits.must(f"round {number} passes whole", code == 0 and passed == len(rows) and passed > 0)
    finally:
        subprocess.call([args.specrun, "env", "down", "--env", "lab"], cwd=ROOT, env={**os.environ, **env},
                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

limits.show(f"slowest of {len(times)} rounds", max(times), "s", args.limit)
print("rows that did not pass:", dict(bad) or "none")
limits.end()
