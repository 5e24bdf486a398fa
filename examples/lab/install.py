#!/usr/bin/env python3
"""install.py REQUIREMENTS TARGET: makes a virtual environment at TARGET from a locked requirements file.

Needs nothing but Python 3.11 or newer and a package index that pip can reach. What pip is told by its environment
variables (PIP_INDEX_URL, PIP_FIND_LINKS, PIP_CERT, ...) or its configuration file holds here too. Doing it again is
harmless; a half-made environment is never left under the name TARGET.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
CANDIDATES = ("python3", "python3.13", "python3.12", "python3.11")
UV = "uv>=0.5,<1"


def say(text: str) -> None:
    """One line of progress."""
    print(text, flush=True)


def die(text: str) -> None:
    """Ends with one sentence that says what is missing."""
    sys.exit(f"install.py: {text}")


def main() -> None:
    if len(sys.argv) != 3:
        die("usage: install.py REQUIREMENTS TARGET")
    requirements, target = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).absolute()
    if not requirements.is_file():
        die(f"there is no requirements file {requirements}")
    python = find_python()
    uv = find_uv(target.parent / "uv", python)
    wanted = sum(1 for line in requirements.read_text().splitlines() if line[:1].isalnum())
    say(f"installing {wanted} packages into {target} with {python}")
    # A virtual environment holds its own path, so it cannot be made elsewhere and moved; the mark at the end says
    # that it is whole.
    whole = target / "complete"
    whole.unlink(missing_ok=True)
    if not works(target / "bin" / "python"):
        shutil.rmtree(target, ignore_errors=True)
        run([uv, "venv", "--quiet", "--python", python, str(target)], "the virtual environment could not be made")
    run(
        # Compiling costs seconds here and saves more at every first start.
        [uv, "pip", "sync", "--quiet", "--compile-bytecode", "--python", str(target / "bin" / "python"),
         str(requirements)],
        "the packages could not be installed; is a package index reachable (PIP_INDEX_URL, PIP_FIND_LINKS)?",
    )
    whole.write_text(requirements.read_text())
    say("installed")


def find_python() -> str:
    """The first interpreter that runs and is new enough: a version manager's shim may exist and refuse."""
    ask = "import sys; print(sys.executable) if sys.version_info >= %r else sys.exit(1)" % (OLDEST,)
    for name in (sys.executable, *CANDIDATES):
        try:
            found = subprocess.run([name, "-c", ask], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        except OSError:
            continue
        if found.returncode == 0:
            return found.stdout.strip()
    return die("Python 3.11 or newer is needed and none was found as " + ", ".join(CANDIDATES)) or ""


def find_uv(own: Path, python: str) -> str:
    """The uv on the PATH, or one installed beside the target."""
    found = shutil.which("uv")
    if found and works(found, "--version"):
        return found
    uv = own / "bin" / "uv"
    own.parent.mkdir(parents=True, exist_ok=True)
    # Several environments may be made side by side; one of them brings uv, the others wait for it.
    lock = open(own.with_suffix(".lock"), "w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    if works(uv, "--version"):
        lock.close()
        return str(uv)
    say("installing uv")
    shutil.rmtree(own, ignore_errors=True)
    run([python, "-m", "venv", str(own)],
        "a virtual environment could not be made: install Python's venv module (package python3-venv) or uv")
    run([str(own / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", UV],
        "uv could not be installed: install it, or make a package index reachable for pip")
    lock.close()
    return str(uv)


def works(program: Path | str, *arguments: str) -> bool:
    """Whether a program runs at all."""
    try:
        return subprocess.run([str(program), *(arguments or ("-c", ""))], capture_output=True,
                              stdin=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


def run(command: list[str], sorry: str) -> None:
    """Runs a command with pip's settings told to uv; its own words come before ours when it fails."""
    if subprocess.run(command, env=environment(), stdin=subprocess.DEVNULL).returncode != 0:
        die(sorry)


def environment() -> dict[str, str]:
    """Ours, with what pip knows of package indexes in the names that uv reads. uv's own variables win."""
    env = dict(os.environ)
    env.setdefault("UV_PYTHON_DOWNLOADS", "never")
    configured = pip_settings()
    for pip, uv, separator in (
        ("index-url", "UV_DEFAULT_INDEX", " "),
        ("extra-index-url", "UV_INDEX", " "),
        ("find-links", "UV_FIND_LINKS", ","),
        ("timeout", "UV_HTTP_TIMEOUT", " "),
        ("trusted-host", "UV_INSECURE_HOST", " "),
        ("cert", "SSL_CERT_FILE", " "),
    ):
        value = env.get("PIP_" + pip.upper().replace("-", "_")) or configured.get(pip)
        if value:
            env.setdefault(uv, separator.join(value.split()))
    if "SSL_CERT_FILE" not in env:
        # uv brings its own authorities; the system's know a registry behind a local one.
        system = "/etc/ssl/certs/ca-certificates.crt"
        if os.path.isfile(system):
            env["SSL_CERT_FILE"] = system
    return env


def pip_settings() -> dict[str, str]:
    """What pip's configuration files say; empty when there is no pip to ask."""
    try:
        answer = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True,
                                stdin=subprocess.DEVNULL)
    except OSError:
        return {}
    settings = {}
    for line in answer.stdout.splitlines():
        key, equals, value = line.partition("=")
        section, _, name = key.partition(".")
        if equals and section in ("global", "install"):
            settings[name] = value.strip().strip("'\"").replace("\\n", " ")
    return settings


if __name__ == "__main__":
    main()
