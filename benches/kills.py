#!/usr/bin/env python3
"""Kills runs at random instants. An independent witness counts what was really done.

Every spec tells a server its name when it acts and when it is cleaned up. After each kill:
- every result the console had shown as finished is in the journal;
- `report` makes a valid JUnit file and a valid JSON report;
- after `clean` every object the witness saw created was removed, and nothing else;
- no process of the run is left.
With --signal TERM or INT also: the exit code is not 0, the reports are complete, all within 5 s of the signal.
"""

import collections
import http.server
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import threading
import time
import xml.etree.ElementTree as xml

import common

SPEC = """\
specrun: 1
id: K{n:03}
title: Creates an object and removes it
tools: [http, exec]
steps:
  - id: create
    http.request: {{method: POST, url: "{url}/objects/${{{{ run.prefix }}}}-{n}"}}
    cleanup:
      http.request: {{method: DELETE, url: "{url}/objects/${{{{ run.prefix }}}}-{n}"}}
  - id: work
    exec.run: {{argv: [sleep, "{pause}"]}}
expect:
  - create.status == 200
"""


class Witness(http.server.BaseHTTPRequestHandler):
    """Counts objects; `objects` maps a name to how often it was created less how often it was removed."""

    protocol_version = "HTTP/1.1"
    # Head and body in one packet; else the client's delayed acknowledgement costs 40 ms.
    wbufsize = 1 << 16
    lock = threading.Lock()
    objects = collections.Counter()
    foreign_removed = 0

    def answer(self, change):
        name = self.path.rsplit("/", 1)[-1]
        with Witness.lock:
            if change < 0 and name.startswith("foreign"):
                Witness.foreign_removed += 1
            if change > 0:
                Witness.objects[name] = 1
            elif change < 0:
                Witness.objects.pop(name, None)
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def do_POST(self):
        self.answer(1)

    def do_DELETE(self):
        self.answer(-1)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Clients that were killed are the point."""


def processes(mark):
    """Processes that carry the mark of a run in their environment."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if mark.encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                pass
    return found


def main():
    args = common.arguments(__doc__, rounds=100, specs=200, signal="KILL", seed=1)
    limits = common.Limits()
    chance = random.Random(args.seed)
    server = Server(("127.0.0.1", 0), Witness)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    Witness.objects["foreign-1"] = 1
    which = getattr(signal, "SIG" + args.signal)
    lost = broken = left = orphans = green = slow = heard = 0
    slowest = 0.0
    with common.project() as folder:
        root = pathlib.Path(folder)
        (root / "specs").mkdir()
        for n in range(args.specs):
            pause = f"{chance.uniform(0, 0.05):.3f}"
            (root / f"specs/K{n:03}.yaml").write_text(SPEC.format(n=n, url=url, pause=pause))
        for round_no in range(args.rounds):
            shown = (root / "shown.txt").open("wb")
            reports = ["--report", "json=r.json", "--report", "junit=j.xml", "--cleanup-grace", "3s"]
            child = subprocess.Popen(
                [args.specrun, "run", "specs", "-j", "4", *reports],
                cwd=root, stdin=subprocess.DEVNULL, stdout=shown, stderr=subprocess.DEVNULL,
            )
            time.sleep(chance.uniform(0.0, 2.0))
            sent = time.monotonic()
            child.send_signal(which)
            code = child.wait()
            took = time.monotonic() - sent
            slowest = max(slowest, took)
            shown.close()
            runs = sorted((root / ".specrun/runs").iterdir(), key=lambda p: p.stat().st_mtime) if (
                root / ".specrun/runs").exists() else []
            if not runs:
                continue
            run = runs[-1]
            # What was shown as finished, against the journal.
            finished = set(re.findall(r"^(?:PASS|FAIL|ERROR)\s+(K\d+)", (root / "shown.txt").read_text(), re.M))
            journal = (run / "journal.jsonl").read_text(errors="replace") if (run / "journal.jsonl").exists() else ""
            recorded = {m for line in journal.splitlines() if "spec_finished" in line for m in re.findall(r'"spec":"(K\d+)"', line)}
            lost += len(finished - recorded)
            if journal:
                done = subprocess.run(
                    [args.specrun, "report", run.name, "--report", "json=k.json", "--report", "junit=k.xml"],
                    cwd=root, capture_output=True, stdin=subprocess.DEVNULL,
                )
                try:
                    json.loads((root / "k.json").read_text())
                    xml.parse(root / "k.xml")
                    broken += done.returncode != 0
                except (OSError, ValueError, xml.ParseError):
                    broken += 1
            if args.signal != "KILL":
                # A run that came to its end before it heard of the signal may be green.
                green += code == 0 and ("signalled" in journal or "run_finished" not in journal)
                heard += "signalled" in journal
                slow += took > 5
                if code != -which and "run_started" in journal:
                    try:
                        xml.parse(root / "j.xml")
                    except (OSError, xml.ParseError):
                        broken += 1
            subprocess.run([args.specrun, "clean"], cwd=root, capture_output=True, stdin=subprocess.DEVNULL)
            ours = [name for name in Witness.objects if not name.startswith("foreign")]
            left += len(ours)
            Witness.objects = collections.Counter({"foreign-1": Witness.objects["foreign-1"]})
            orphans += len(processes(f"SPECRUN_RUN={run.name}"))
            for name in ("r.json", "j.xml", "k.json", "k.xml"):
                (root / name).unlink(missing_ok=True)
            if (round_no + 1) % 50 == 0:
                print(f"{round_no + 1} kills: {lost} lost, {broken} broken, {left} left, {orphans} orphans", flush=True)
    limits.show(f"finished results lost in {args.rounds} kills", lost, "", 0)
    limits.show("reports that are not valid", broken, "", 0)
    limits.show("objects left after clean", left, "", 0)
    limits.show("foreign objects touched", Witness.foreign_removed + (Witness.objects["foreign-1"] != 1), "", 0)
    limits.show("processes left", orphans, "", 0)
    if args.signal != "KILL":
        limits.show("runs that heard the signal", heard, "")
        limits.show("exit code 0 after a signal", green, "", 0)
        limits.show("slower than 5 s after a signal", slow, "", 0)
        limits.show("slowest end after a signal", slowest, "s")
    server.shutdown()
    limits.end()


if __name__ == "__main__":
    main()
