#!/usr/bin/env python3
"""image.py CACHE PROGRAM: an image of specrun for the lab's node, `specrun.local/specrun:1`, made without any container tool.

The lab makes it by itself, of the specrun that starts it (serve.py). By hand a cluster that is up is given another one: PROGRAM
is a specrun built on this machine, CACHE is what build.sh made. The image holds the program without its debug information, and
the libraries it is linked with; it is made once for each build of the program. Elsewhere the project's Dockerfile makes one.
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
            done = subprocess.run([strip, "-o", small, program], capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise Broken(f"strip does not take {program}: {done.stderr.strip()}")
        else:
            small = program
        files = {"usr/local/bin/specrun": small, **libraries(program)}
        image = Image(NAME, files=files, folders={"tmp": node.TMP_FOR_ALL, **dict.fromkeys(("proc", "sys", "dev"), 0o755)},
                      entrypoint=["/usr/local/bin/specrun"])
        image.write(out)


def of(lab: Lab, program: Path) -> Path:
    """The image of this very program, from the cache if it was made before. The cache holds one."""
    facts = program.stat()
    build = f"{program.resolve()} {facts.st_size} {facts.st_mtime_ns}"
    folder = lab.cache / "images"
    folder.mkdir(exist_ok=True)
    file, of_what = folder / "specrun-1.tar", folder / "specrun-1.program"
    if not (file.exists() and of_what.exists() and of_what.read_text() == build):
        of_what.unlink(missing_ok=True)
        make(program, file)
        of_what.write_text(build)
    return file


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit("image.py: usage: image.py CACHE PROGRAM")
    cache, program = Path(sys.argv[1]), Path(sys.argv[2])
    if not program.is_file():
        sys.exit(f"image.py: there is no program {program}: `cargo build --release` makes target/release/specrun")
    lab = Lab(cache, Path(), {}, real=True)
    try:
        node.give(lab, of(lab, program))
    except Broken as broken:
        sys.exit(f"image.py: {broken}")
    print(NAME)


if __name__ == "__main__":
    main()
