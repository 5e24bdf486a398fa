#!/usr/bin/env python3
"""Kills runs at random instants. An independent witness counts what was really done.

An instant is a number of requests that the witness has had, and up to 50 ms: so kills fall evenly over a run, however
busy the machine is, and a kill that came after the end is counted as such.

Every spec creates an object at a server, checks the answer, tells the server that this check is finished, works a
little, and removes the object. After each kill:
- every check the witness was told of, and every result the console had shown, is in the journal;
- `report` makes a valid JUnit file and a valid JSON report;
- after `clean` every object the witness saw created was removed, and nothing else;
- no process of the run is left.
With --signal TERM or INT also: the exit code is not 0, the reports name every spec, all within 5 s of the signal, and
cleanup has removed every object without `clean`.
With --instant create the server itself kills the run when it is asked for an object: before it makes it, after it made
it and before it answers, or right after the answer.
"""

import collections
import http.server
import json
import os
import pathlib
import random
import re
import shutil
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
    expect:
      - .status == 200
  - id: tell
    http.request: {{method: POST, url: "{url}/checked/${{{{ run.prefix }}}}-{n}"}}
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
    # Specs whose check was told to be finished, since the round began.
    checked = set()
    # Requests since the round began.
    requests = 0
    # Takes the place of the hand that kills: called at an instant of creating.
    kill = None

    def answer(self, change):
        name = self.path.rsplit("/", 1)[-1]
        with Witness.lock:
            Witness.requests += 1
        if self.path.startswith("/checked/"):
            with Witness.lock:
                Witness.checked.add(int(name.rsplit("-", 1)[-1]))
            change = 0
        kill, when = Witness.kill or (None, None)
        if kill and change > 0 and when == "before":
            kill()
            change = 0
        with Witness.lock:
            if change < 0 and name.startswith("foreign"):
                Witness.foreign_removed += 1
            if change > 0:
                Witness.objects[name] = 1
            elif change < 0:
                Witness.objects.pop(name, None)
        if kill and change > 0 and when == "made":
            kill()
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")
        self.wfile.flush()
        if kill and change > 0 and when == "answered":
            kill()

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


def once(child, which, count):
    """Kills the child at the call of this number."""
    lock, calls = threading.Lock(), [0]

    def kill():
        with lock:
            calls[0] += 1
            if calls[0] == count + 1:
                child.send_signal(which)
                if which == signal.SIGKILL:
                    # Gone before this answer is sent; whoever waits for the child reaps it.
                    time.sleep(0.02)

    return kill


def main():
    args = common.arguments(__doc__, rounds=100, specs=200, signal="KILL", seed=1, instant="random", minutes=0, keep="")
    limits = common.Limits()
    # What starts this may ignore signals (a shell's `&`, `nohup`), and every child would inherit that.
    for name in ("SIGINT", "SIGTERM"):
        signal.signal(getattr(signal, name), lambda *_: os._exit(130))
    chance = random.Random(args.seed)
    server = Server(("127.0.0.1", 0), Witness)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    Witness.objects["foreign-1"] = 1
    which = getattr(signal, "SIG" + args.signal)
    lost = broken = left = orphans = green = slow = heard = met = witnessed = uncleaned = incomplete = 0
    slowest = 0.0
    with common.project() as folder:
        root = pathlib.Path(folder)
        (root / "specs").mkdir()
        for n in range(args.specs):
            pause = f"{chance.uniform(0, 0.02):.3f}"
            (root / f"specs/K{n:03}.yaml").write_text(SPEC.format(n=n, url=url, pause=pause))
        reports = ["--report", "json=r.json", "--report", "junit=j.xml", "--cleanup-grace", "3s"]
        command = [args.specrun, "run", "specs", "-j", "4", *reports]
        code, _, whole, _ = common.timed(command, root)
        limits.must("a run nobody kills ends with 0", code == 0)
        print(f"it takes {whole:.1f} s; kills fall between its start and then", flush=True)
        began, rounds = time.monotonic(), 0
        for round_no in range(args.rounds):
            if args.minutes and time.monotonic() - began > args.minutes * 60:
                break
            rounds += 1
            Witness.checked = set()
            Witness.requests = 0
            shown = (root / "shown.txt").open("wb")
            child = subprocess.Popen(command, cwd=root, stdin=subprocess.DEVNULL, stdout=shown, stderr=subprocess.DEVNULL)
            if args.instant == "create":
                # At one of the creations, not always the first.
                count = chance.randrange(args.specs)
                Witness.kill = (once(child, which, count), chance.choice(["before", "made", "answered"]))
                code = child.wait()
                Witness.kill = None
                sent = time.monotonic()
            else:
                # Three requests a spec. One in twenty falls before the first of them.
                wanted = chance.randrange(-args.specs * 3 // 20, args.specs * 3)
                while Witness.requests < wanted and child.poll() is None:
                    time.sleep(0.002)
                time.sleep(chance.uniform(0.0, 0.05 if wanted > 0 else 0.5))
                sent = time.monotonic()
                child.send_signal(which)
                code = child.wait()
            took = time.monotonic() - sent
            met += code == -which or (args.signal != "KILL" and code > 128)
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
            checked = {m for line in journal.splitlines() if '"checked"' in line for m in re.findall(r'"spec":"(K\d+)"', line)}
            told = {f"K{n:03}" for n in Witness.checked}
            witnessed += len(told)
            lost += len(told - checked)
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
                if took > 5:
                    # Whether the run itself was slow, or what came after its last event.
                    at = {word: re.search(rf'"elapsed":([0-9.]+),"kind":{{"type":"{word}"', journal) for word in ("signalled", "run_finished")}
                    at = {word: found and float(found[1]) for word, found in at.items()}
                    print(f"{run.name}: {took:.1f} s after {args.signal}; seconds into the run: {at}", flush=True)
                if code != -which and "run_started" in journal:
                    try:
                        xml.parse(root / "j.xml")
                        incomplete += len(json.loads((root / "r.json").read_text())["specs"]) != args.specs
                    except (OSError, ValueError, xml.ParseError):
                        broken += 1
                if code != -which:
                    uncleaned += sum(not name.startswith("foreign") for name in Witness.objects)
            subprocess.run([args.specrun, "clean"], cwd=root, capture_output=True, stdin=subprocess.DEVNULL)
            ours = [name for name in Witness.objects if not name.startswith("foreign")]
            left += len(ours)
            if ours and args.keep:
                shutil.copytree(run, pathlib.Path(args.keep) / run.name)
                print(f"{run.name}: exit code {code}, left: {', '.join(ours)}", flush=True)
            Witness.objects = collections.Counter({"foreign-1": Witness.objects["foreign-1"]})
            orphans += len(processes(f"SPECRUN_RUN={run.name}"))
            for name in ("r.json", "j.xml", "k.json", "k.xml"):
                (root / name).unlink(missing_ok=True)
            if (round_no + 1) % 50 == 0:
                print(f"{round_no + 1} kills: {lost} lost, {broken} broken, {left} left, {orphans} orphans", flush=True)
            # Each round has its own journal; `clean` would read all earlier ones again.
            shutil.rmtree(run)
    limits.show(f"finished results lost in {rounds} kills", lost, "", 0)
    limits.show("  of which met the run before its end", met, "")
    limits.show("  finished checks the witness was told of", witnessed, "")
    limits.show("reports that are not valid", broken, "", 0)
    limits.show("objects left after clean", left, "", 0)
    limits.show("foreign objects touched", Witness.foreign_removed + (Witness.objects["foreign-1"] != 1), "", 0)
    limits.show("processes left", orphans, "", 0)
    if args.signal != "KILL":
        limits.show("runs that heard the signal", heard, "")
        limits.show("reports that do not name every spec", incomplete, "", 0)
        limits.show("objects that cleanup left", uncleaned, "", 0)
        limits.show("exit code 0 after a signal", green, "", 0)
        limits.show("slower than 5 s after a signal", slow, "", 0)
        limits.show("slowest end after a signal", slowest, "s")
    server.shutdown()
    limits.end()


if __name__ == "__main__":
    main()
