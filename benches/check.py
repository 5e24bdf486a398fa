#!/usr/bin/env python3
"""`specrun check` of many generated specs, and the start-up time."""

import pathlib
import statistics

import common

SPEC = """\
specrun: 1
id: B{n:05}
title: Generated spec {n}
category: {category}
tags: [generated, part{part}]
tools: [http]
inputs:
  base: {{type: string, default: "http://127.0.0.1:9"}}
  limit: {{type: duration, default: 200ms}}
steps:
  - id: first
    http.request: {{url: "${{{{ inputs.base }}}}/v1/models/{n}"}}
    expect:
      - .status == 200
      - .elapsed < inputs.limit
  - id: second
    http.request:
      method: POST
      url: "${{{{ inputs.base }}}}/v1/models/{n}:predict"
      json: {{rows: [[1, 2, 3]], version: "${{{{ first.json.version }}}}"}}
expect:
  - second.status == 200
  - second.elapsed < inputs.limit * 2
  - second.json.predictions is present
  - len(second.json.predictions) == 1
  - second.json.predictions.all(. >= 0)
  - second.json.model == "model-{n}"
  - second.size < 64KiB
  - first.json.version != ""
"""


def main():
    args = common.arguments(__doc__, specs=10_000)
    limits = common.Limits()
    with common.project() as folder:
        root = pathlib.Path(folder)
        (root / "specrun.yaml").write_text('specrun: 1\nspecs: ["specs/**/*.yaml"]\n')
        for n in range(args.specs):
            category = f"category{n % 20}"
            path = root / "specs" / category / f"B{n:05}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(SPEC.format(n=n, category=category, part=n % 7))
        code, (out, err), seconds, memory = common.timed([args.specrun, "check"], root)
        if code != 0:
            print(err[:3000])
        limits.must(f"check of {args.specs} specs ends with 0", code == 0)
        print(out.strip().splitlines()[-1] if out.strip() else "(no output)")
        limits.show(f"check of {args.specs} specs", seconds, "s", 5 * args.specs / 10_000)
        limits.show("  processor time", common.timed.cpu, "s")
        limits.show("  peak memory", memory, "MiB", 512)

        starts = [common.timed([args.specrun, "--version"], root)[2] * 1000 for _ in range(50)]
        limits.show("--version, median of 50 (with starting the process)", statistics.median(starts), "ms", 10)
    limits.end()


if __name__ == "__main__":
    main()
