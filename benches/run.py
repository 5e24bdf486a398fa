#!/usr/bin/env python3
"""`specrun run` of many specs that do next to nothing, with every report, and exact counts in each."""

import json
import pathlib
import re
import xml.etree.ElementTree as xml

import common

# Reads one byte of a file: no process, no network.
SPEC = """\
specrun: 1
id: R{n:05}
title: Reads a file {n}
category: category{category}
tools: [file]
steps:
  - id: read
    file.read: {{path: one.txt}}
expect:
  - read.text == "{wanted}"
"""


def main():
    args = common.arguments(__doc__, specs=10_000)
    limits = common.Limits()
    # Every 97th spec fails, so that a report that counts only what passed is found out.
    failing = len([n for n in range(args.specs) if n % 97 == 96])
    with common.project() as folder:
        root = pathlib.Path(folder)
        (root / "specs").mkdir()
        (root / "specs/one.txt").write_text("1")
        for n in range(args.specs):
            wanted = "2" if n % 97 == 96 else "1"
            text = SPEC.format(n=n, category=n % 20, wanted=wanted)
            (root / f"specs/R{n:05}.yaml").write_text(text)
        reports = ["json", "junit", "html", "markdown", "ctrf"]
        command = [args.specrun, "run", "specs", "--quiet"]
        for report in reports:
            command += ["--report", f"{report}=out/{report}.{ {'junit': 'xml', 'markdown': 'md', 'ctrf': 'json'}.get(report, report) }"]
        code, (out, err), seconds, memory = common.timed(command, root)
        print(out.strip().splitlines()[-2] if out.strip() else err[:2000])
        limits.must("exit code 1", code == 1)
        limits.show(f"run of {args.specs} specs, all reports", seconds, "s", 60 * args.specs / 10_000)
        limits.show("  processor time", common.timed.cpu, "s")
        limits.show("  peak memory", memory, "MiB", 512)

        console = re.search(r"(\d+) passed, (\d+) failed", out)
        passed = args.specs - failing
        limits.must("console counts", console and (int(console[1]), int(console[2])) == (passed, failing))
        report = json.loads((root / "out/json.json").read_text())
        verdicts = [spec["verdict"] for spec in report["specs"]]
        limits.must("json counts", (verdicts.count("passed"), verdicts.count("failed")) == (passed, failing))
        junit = xml.parse(root / "out/junit.xml").getroot()
        limits.must("junit counts", len(junit.findall(".//failure")) == failing)
        ctrf = json.loads((root / "out/ctrf.json").read_text())["results"]["summary"]
        limits.must("ctrf counts", ctrf["failed"] == failing)
        journal = next((root / ".specrun/runs").iterdir()) / "journal.jsonl"
        ended = sum(1 for line in journal.open() if '"spec_finished"' in line)
        limits.must("journal counts", ended == args.specs)
        limits.show("html report", (root / "out/html.html").stat().st_size / 2**20, "MiB")
    limits.end()


if __name__ == "__main__":
    main()
