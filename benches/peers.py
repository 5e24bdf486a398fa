#!/usr/bin/env python3
"""What a SIGKILL leaves of the results, side by side with pytest and Robot Framework.

Each runner runs the same tests: a test tells a server that its check is finished, works a little, and ends. Runs are
killed at random instants; then the finished tests the server knows of are looked up in what the runner left: specrun's
`report` from the journal, pytest's and Robot Framework's JUnit file. The two are installed with pip into a folder of
this script's own (`--venv`). k6 is not among them: it is no Python package.
"""

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


def digits(text):
    kept = "".join(c for c in text or "" if c.isdigit())
    return int(kept) if kept else None


def main():
    args = common.arguments(__doc__, rounds=50, tests=200, seed=1, venv="")
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
            subprocess.run([home / "bin/pip", "install", "-q", "pytest", "robotframework"], check=True)
        (root / "specs").mkdir()
        for n in range(args.tests):
            (root / f"specs/P{n:03}.yaml").write_text(SPEC.format(n=n, url=url))
        (root / "test_one.py").write_text(TEST.format(count=args.tests, url=url))
        (root / "ask.py").write_text(ASK)
        (root / "one.robot").write_text(ROBOT + "".join(ROBOT_CASE.format(n=n, url=url) for n in range(args.tests)))
        junit = root / "j.xml"
        report = [args.specrun, "report", "last", "--report", "junit=j.xml"]
        python = str(home / "bin/python")
        runners = {
            "specrun": ([args.specrun, "run", "specs", "-j", "1", "--report", "junit=j.xml"], report),
            "pytest": ([python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=j.xml", "test_one.py"], None),
            "robot": ([python, "-m", "robot", "--xunit", "j.xml", "one.robot"], None),
        }
        numbers = {
            # The class name starts with the spec's id; there is one case for each of its checks.
            "specrun": lambda case: digits((case.get("classname") or "").split(".")[-1].split()[0]),
            "pytest": lambda case: digits(case.get("name")),
            "robot": lambda case: digits(case.get("name")),
        }
        for name, (command, afterwards) in runners.items():
            code, _, whole, _ = common.timed(command, root)
            every = in_junit(junit, numbers[name])
            limits.must(f"{name}: a run nobody kills has every result", code == 0 and len(every or ()) == args.tests)
            told = lost = without = kills = 0
            while kills < args.rounds:
                Witness.finished = set()
                junit.unlink(missing_ok=True)
                child = subprocess.Popen(
                    command, cwd=root, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
                time.sleep(chance.uniform(0.0, whole))
                child.send_signal(signal.SIGKILL)
                if child.wait() != -signal.SIGKILL:
                    # It had come to its end before.
                    continue
                kills += 1
                if afterwards and Witness.finished:
                    subprocess.run(afterwards, cwd=root, stdin=subprocess.DEVNULL, capture_output=True)
                found = in_junit(junit, numbers[name])
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
