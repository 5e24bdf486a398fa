#!/usr/bin/env python3
"""One thousand one-request specs against a local server, next to pytest with requests (when they are installed)."""

import http.server
import pathlib
import shutil
import subprocess
import sys
import threading

import common

SPEC = """\
specrun: 1
id: Q{n:05}
title: One request
tools: [http]
steps:
  - id: answer
    http.request: {{url: "{url}/{n}"}}
expect:
  - answer.status == 200
  - answer.json.n == {n}
"""

TEST = """\
import pytest, requests

@pytest.mark.parametrize("n", range({count}))
def test_one(n):
    answer = requests.get("{url}/" + str(n), timeout=30)
    assert answer.status_code == 200
    assert answer.json()["n"] == n
"""


class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body in one packet; else the client's delayed acknowledgement costs 40 ms.
    wbufsize = 1 << 16

    def do_GET(self):
        body = b'{"n": %s}' % self.path.rsplit("/", 1)[-1].encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    args = common.arguments(__doc__, specs=1000, jobs=1)
    limits = common.Limits()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    with common.project() as folder:
        root = pathlib.Path(folder)
        (root / "specs").mkdir()
        for n in range(args.specs):
            (root / f"specs/Q{n:05}.yaml").write_text(SPEC.format(n=n, url=url))
        command = [args.specrun, "run", "specs", "--quiet", "-j", str(args.jobs), "--report", "junit=a.xml"]
        code, (out, err), ours, memory = common.timed(command, root)
        limits.must("specrun ends with 0", code == 0)
        limits.show(f"specrun, {args.specs} specs, {args.jobs} job(s)", ours, "s")
        limits.show("  processor time", common.timed.cpu, "s")
        limits.show("  peak memory", memory, "MiB")
        found = subprocess.run([sys.executable, "-c", "import pytest, requests"], capture_output=True).returncode == 0
        if found:
            (root / "test_one.py").write_text(TEST.format(count=args.specs, url=url))
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=b.xml", "test_one.py"]
            code, _, theirs, memory = common.timed(command, root)
            limits.must("pytest ends with 0", code == 0)
            limits.show("pytest and requests", theirs, "s")
            limits.show("  processor time", common.timed.cpu, "s")
            limits.show("  peak memory", memory, "MiB")
            limits.show("ratio, pytest over specrun", theirs / ours, "")
        else:
            print("pytest and requests are not installed: pip install pytest requests")
        if shutil.which("hurl"):
            for n in range(args.specs):
                text = f'GET {url}/{n}\nHTTP 200\n[Asserts]\njsonpath "$.n" == {n}\n'
                (root / f"specs/Q{n:05}.hurl").write_text(text)
            files = [str(p) for p in sorted((root / "specs").glob("*.hurl"))]
            code, _, theirs, _ = common.timed(["hurl", "--test", "--jobs", str(args.jobs), *files], root)
            limits.show("hurl", theirs, "s")
            limits.show("ratio, hurl over specrun", theirs / ours, "")
    server.shutdown()
    limits.end()


if __name__ == "__main__":
    main()
