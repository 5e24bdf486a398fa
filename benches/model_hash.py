#!/usr/bin/env python3
"""How fast `model.hash` reads a large model, next to Python's hashlib over the same file."""

import hashlib
import json
import pathlib
import struct
import time

import common

TENSORS = 64
SPEC = """\
specrun: 1
id: large
title: The hash of a large model
category: bench
tools: [model]
steps:
  - id: hash
    model.hash: {path: model.safetensors}
    timeout: 10m
expect:
  - hash.count == 64
"""


def main():
    args = common.arguments(__doc__, size=1_000_000_000, times=3)
    limits = common.Limits()
    with common.project() as folder:
        root = pathlib.Path(folder)
        size = make(root / "model.safetensors", args.size)
        (root / "large.yaml").write_text(SPEC)
        python = min(hashlib_seconds(root / "model.safetensors") for _ in range(args.times))
        limits.show(f"hashlib.sha256 of {size / 1e9:.2f} GB, one thread", python, "s")
        runs = []
        for _ in range(args.times):
            code, (out, err), seconds, memory = common.timed([args.specrun, "run", "large.yaml"], root)
            if code:
                print(out, err)
            limits.must("the run ends with 0", code == 0)
            runs.append((seconds, common.timed.cpu, memory))
        seconds, cpu, memory = min(runs)
        limits.show("the whole run with model.hash", seconds, "s", python * 1.2)
        limits.show("  processor time", cpu, "s")
        limits.show("  peak memory", memory, "MiB", 128)
        limits.show("  speed", size / seconds / 1e9, "GB/s")
    limits.end()


def make(path, size):
    """A safetensors file whose values are pseudo-random; how large it is."""
    each = size // TENSORS // 4 * 4
    header = {
        f"layer.{i:02}": {"dtype": "F32", "shape": [each // 4], "data_offsets": [i * each, (i + 1) * each]}
        for i in range(TENSORS)
    }
    text = json.dumps(header).encode()
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for i in range(TENSORS):
            block = hashlib.shake_128(str(i).encode()).digest(1 << 20)
            left = each
            while left:
                out.write(block[:min(left, len(block))])
                left -= min(left, len(block))
    return path.stat().st_size


def hashlib_seconds(path):
    started = time.perf_counter()
    whole = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            whole.update(piece)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
