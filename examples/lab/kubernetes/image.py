#!/usr/bin/env python3
"""image.py CACHE PROGRAM: an image of specrun for the lab's node, `specrun.local/specrun:1`, made without any container tool.

PROGRAM is a specrun built on this machine; the image holds it without its debug information, and the libraries it is linked
with. CACHE is what build.sh made. The node must be up: its containerd is given the image. Elsewhere the project's Dockerfile
makes one.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import node
from mkimage import Image
from parts import Broken, Lab

NAME = "specrun.local/specrun:1"


def libraries(program: Path) -> dict[str, Path]:
    """The libraries that a program is linked with and the loader, by their paths in the image."""
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        return {}  # linked with none
    found = re.findall(r"(?:=> )?(/\S+) \(0x", listed.stdout)
    return {path.lstrip("/"): Path(path) for path in found}


def make(program: Path, out: Path) -> None:
    """The image as a file."""
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / "specrun"
        if strip := shutil.which("strip"):
            subprocess.run([strip, "-o", small, program], check=True)
        else:
            small = program
        files = {"usr/local/bin/specrun": small, **libraries(program)}
        image = Image(NAME, files=files, folders={"tmp": node.TMP_FOR_ALL, **dict.fromkeys(("proc", "sys", "dev"), 0o755)},
                      entrypoint=["/usr/local/bin/specrun"])
        image.write(out)


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit("image.py: usage: image.py CACHE PROGRAM")
    cache, program = Path(sys.argv[1]), Path(sys.argv[2])
    if not program.is_file():
        sys.exit(f"image.py: there is no program {program}: `cargo build --release` makes target/release/specrun")
    lab = Lab(cache, Path(), {}, real=True)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "specrun.tar"
        make(program, out)
        try:
            ctr = lab.program("ctr")
        except Broken as broken:
            sys.exit(f"image.py: {broken}")
        done = subprocess.run([ctr, "--address", str(node.SOCKET), "-n", "k8s.io", "images", "import", str(out)],
                              capture_output=True, text=True, env=lab.path(), check=False)
    if done.returncode != 0:
        said = (done.stderr.strip() or "it said nothing").splitlines()[-1]
        sys.exit(f"image.py: the lab's containerd does not take the image (is the node up?): {said}")
    print(NAME)


if __name__ == "__main__":
    main()
