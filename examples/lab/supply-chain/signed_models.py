#!/usr/bin/env python3
"""signed_models.py FOLDER: model folders signed with OpenSSF model signing, and what was done to them afterwards; where they are, as
JSON. Run by an interpreter that has model-signing.

    signed    as it was signed
    changed   a weight is another one
    added     there is one more file
    missing   there is one file less
    unsigned  without a signature

Keys are made each time: `key` signed, `other` is somebody else's.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path


def run(*words: str | Path) -> None:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        sys.exit(f"signed_models.py: {words[0]} ended with {done.returncode}: {done.stderr.strip()[-500:]}")


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: signed_models.py FOLDER")
    folder = Path(sys.argv[1])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for key in ("key", "other"):
        run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", folder / f"{key}.pem")
        run("openssl", "ec", "-in", folder / f"{key}.pem", "-pubout", "-out", folder / f"{key}.pub")
    model = folder / "signed"
    model.mkdir()
    (model / "weights.bin").write_bytes(bytes(range(256)) * 64)
    (model / "config.json").write_text('{"classes": 3}\n')
    run(Path(sys.executable).parent / "model_signing", "sign", "key", model, "--private_key", folder / "key.pem",
        "--signature", folder / "model.sig")
    for case in ("changed", "added", "missing", "unsigned"):
        shutil.copytree(model, folder / case)
    (folder / "changed" / "weights.bin").write_bytes(bytes(range(256)) * 63 + bytes(256))
    (folder / "added" / "hook.py").write_text("print('hello')\n")
    (folder / "missing" / "config.json").unlink()
    cases = {case: str(folder / case) for case in ("signed", "changed", "added", "missing", "unsigned")}
    print(json.dumps({**cases, "signature": str(folder / "model.sig"), "no_signature": str(folder / "unsigned.sig"),
                      "key": str(folder / "key.pub"), "other": str(folder / "other.pub")}))


if __name__ == "__main__":
    main()
