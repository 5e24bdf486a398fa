"""Counts what a locustfile does. specrun gives this file to Locust beside the script; it defines no user.

Every request is counted when Locust counts it. At the end one JSON file says, by name: how many, answers by status,
failures by kind, and the times of the others, rounded up to four digits.
"""

import json
import math
import os
import time

from locust import events

_warmup = float(os.environ["SPECRUN_LOCUST_WARMUP"])
_file = os.environ["SPECRUN_LOCUST_REPORT"]
_names = {}
_seen = 0
_began = None
_wall = None
_cpu = None
_sample = None


@events.test_start.add_listener
def _start(**_):
    global _began, _wall, _cpu
    _began, _wall, _cpu = time.monotonic() + _warmup, time.time() + _warmup, _processor()


@events.request.add_listener
def _request(request_type, name, response_time, exception=None, response=None, **_):
    global _seen, _sample
    _seen += 1
    if _began is None or time.monotonic() < _began:
        return
    group = _names.get(name)
    if group is None:
        group = _names[name] = {"statuses": {}, "failures": {}, "times": {}}
    status = getattr(response, "status_code", 0) or 0
    if status:
        group["statuses"][status] = group["statuses"].get(status, 0) + 1
    if exception is None:
        key = _rounded_up(response_time or 0)
        group["times"][key] = group["times"].get(key, 0) + 1
    else:
        if _sample is None:
            _sample = f"{request_type} {name}: {exception!r}"[:500]
        kind = f"{status} {type(exception).__name__}"
        group["failures"][kind] = group["failures"].get(kind, 0) + 1


@events.quit.add_listener
def _quit(exit_code, **_):
    elapsed = max(time.monotonic() - _began, 0) if _began is not None else 0
    used = _processor() - _cpu if _cpu is not None else 0
    runner = _environment.runner if _environment is not None else None
    thrown = list(runner.exceptions.values()) if runner is not None else []
    report = {
        "seen": _seen,
        "began": _wall,
        "elapsed": elapsed,
        "cpu": used / (elapsed + _warmup) if elapsed > 0 else 0,
        "busy": bool(getattr(runner, "cpu_warning_emitted", False)),
        "thrown": sum(e["count"] for e in thrown),
        "exception": (thrown[0]["traceback"].strip() + "\n" + thrown[0]["msg"])[-2000:] if thrown else None,
        "sample": _sample,
        "exit_code": exit_code,
        "names": _names,
    }
    part = _file + ".part"
    with open(part, "w") as out:
        json.dump(report, out)
    os.replace(part, _file)


_environment = None


@events.init.add_listener
def _init(environment, **_):
    global _environment
    _environment = environment


def _processor():
    t = os.times()
    return t.user + t.system


def _rounded_up(milliseconds):
    """Nanoseconds, the four first digits rounded up."""
    nanos = math.ceil(milliseconds * 1e6)
    unit = 1
    while nanos // unit >= 10_000:
        unit *= 10
    return -(-nanos // unit) * unit
