#!/usr/bin/env python3
"""One spec with many steps, each with a check: `check` and `run` of it, and what a step costs with its parts.

A step reads a file of one byte, so its cost is that of the engine, the action, four events in the journal, and the
share of the start. Without the action and the reading of the spec it is measured by `cargo bench --bench engine`.
"""

import json
import pathlib

import common


def main():
    args = common.arguments(__doc__, steps=20_000)
    limits = common.Limits()
    with common.project() as folder:
        root = pathlib.Path(folder)
        (root / "one.txt").write_text("1")
        lines = ["specrun: 1", "id: M", "title: Many steps", "tools: [file]", "timeout: 1h", "steps:"]
        for n in range(args.steps):
            lines += [f"  - id: s{n}", "    file.read: {path: one.txt}", "    expect: ['.text == \"1\"']"]
        (root / "many.yaml").write_text("\n".join(lines) + "\n")
        code, (_, err), seconds, memory = common.timed([args.specrun, "check", "many.yaml"], root)
        limits.must(f"check of one spec with {args.steps} steps ends with 0", code == 0)
        if code != 0:
            print(err[:2000])
        limits.show("  time", seconds, "s")
        limits.show("  processor time", common.timed.cpu, "s")
        limits.show("  peak memory", memory, "MiB")
        command = [args.specrun, "run", "many.yaml", "--quiet", "-j", "1", "--report", "json=r.json"]
        code, (out, err), whole, memory = common.timed(command, root)
        limits.must("run ends with 0", code == 0)
        if code != 0:
            print(out[-2000:], err[:2000])
        limits.show("  time", whole, "s")
        limits.show("  processor time", common.timed.cpu, "s")
        limits.show("  peak memory", memory, "MiB")
        limits.show("  a step, without what `check` takes", max(0.0, whole - seconds) * 1e6 / args.steps, "µs")
        spec = json.loads((root / "r.json").read_text())["specs"][0]
        limits.must("the report has every step", len(spec["steps"]) == args.steps)
    limits.end()


if __name__ == "__main__":
    main()
