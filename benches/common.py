"""What the benches share: the program, temporary projects, time and memory of a child."""

import argparse
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def arguments(about, **extra):
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--specrun", default=str(ROOT / "target/release/specrun"))
    for name, default in extra.items():
        parser.add_argument("--" + name.replace("_", "-"), type=type(default), default=default)
    args = parser.parse_args()
    args.specrun = str(pathlib.Path(args.specrun).resolve())
    return args


def project():
    """A temporary folder that goes away with the returned object."""
    return tempfile.TemporaryDirectory(prefix="specrun-bench-")


def timed(command, cwd, env=None):
    """Runs a command; gives its exit code, output, seconds and the peak of its memory in MiB.

    `timed.cpu` is then what it needed of the processor, in seconds: a figure that a busy machine does not change much.
    """
    start = time.perf_counter()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = subprocess.Popen(
            command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env={**os.environ, **(env or {})}
        )
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - start
        timed.cpu = usage.ru_utime + usage.ru_stime
        out.seek(0)
        err.seek(0)
        text = out.read().decode(errors="replace"), err.read().decode(errors="replace")
    return child.returncode, text, seconds, usage.ru_maxrss / 1024


class Limits:
    """Prints figures against their limits, and remembers whether one was broken."""

    def __init__(self):
        self.broken = False

    def show(self, what, value, unit, limit=None):
        line = f"{what:<48} {value:10.3f} {unit}"
        if limit is not None:
            kept = value <= limit
            self.broken |= not kept
            line += f"   limit {limit:g} {unit}: {'kept' if kept else 'BROKEN'}"
        print(line, flush=True)

    def must(self, what, holds):
        self.broken |= not holds
        print(f"{what:<48} {'yes' if holds else 'NO'}", flush=True)

    def end(self):
        sys.exit(1 if self.broken else 0)


resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
