#!/usr/bin/env python3
"""Records what MLPerf LoadGen's early stopping says of n queries of which t were too slow (PyPI: mlcommons-loadgen 6.0.17).

Each pair is a real run of LoadGen in its Server scenario: n queries are answered at once, but for t that take twice
the target latency. Writes lines `n t slow_seen verdict` to the file named on the command line.
"""

import pathlib
import random
import re
import sys
import tempfile
import threading
import time

import mlperf_loadgen as lg

TARGET = 0.6


def run(n, t, folder, percentile=0.95):
    slow = set(random.sample(range(n), t))
    count = 0
    lock = threading.Lock()
    timers = []

    def issue(samples):
        nonlocal count
        for sample in samples:
            with lock:
                mine, count = count, count + 1
            answer = [lg.QuerySampleResponse(sample.id, 0, 0)]
            if mine in slow:
                timer = threading.Timer(TARGET * 2, lg.QuerySamplesComplete, (answer,))
                timer.start()
                timers.append(timer)
            else:
                lg.QuerySamplesComplete(answer)

    sut = lg.ConstructSUT(issue, lambda: None)
    qsl = lg.ConstructQSL(16, 16, lambda _: None, lambda _: None)
    settings = lg.TestSettings()
    settings.scenario = lg.TestScenario.Server
    settings.mode = lg.TestMode.PerformanceOnly
    settings.server_target_qps = 20000
    settings.server_target_latency_ns = int(TARGET * 1e9)
    settings.server_target_latency_percentile = percentile
    settings.min_query_count = n
    settings.max_query_count = n
    settings.min_duration_ms = 0
    settings.max_duration_ms = 0
    log = lg.LogSettings()
    out = lg.LogOutputSettings()
    out.outdir = str(folder)
    out.copy_summary_to_stdout = False
    log.log_output = out
    log.enable_trace = False
    lg.StartTestWithLogSettings(sut, qsl, settings, log)
    for timer in timers:
        timer.join()
    lg.DestroyQSL(qsl)
    lg.DestroySUT(sut)
    text = (folder / "mlperf_log_summary.txt").read_text()
    return text


def main():
    random.seed(int(sys.argv[3]) if len(sys.argv) > 3 else 5)
    pairs = []
    while len(pairs) < int(sys.argv[2]):
        n = random.randint(60, 1500)
        # Around the place where the answer turns, where it is telling.
        middle = 0.05 * n - 1.65 * (0.0475 * n) ** 0.5
        t = max(0, min(n, round(random.gauss(middle, 0.05 * n ** 0.5 * 3 + 1))))
        pairs.append((n, t))
    with open(sys.argv[1], "w") as out, tempfile.TemporaryDirectory() as folder:
        for n, t in pairs:
            text = run(n, t, pathlib.Path(folder))
            passed = "Early stopping satisfied: Yes" in text
            refused = "Early stopping satisfied: NO" in text
            if passed == refused:
                sys.exit(text)
            out.write(f"{n} {t} {'yes' if passed else 'no'}\n")
            out.flush()


if __name__ == "__main__":
    main()
