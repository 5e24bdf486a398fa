#!/usr/bin/env python3
"""Makes a container image (docker-archive, one layer) from plain files, without any container tool.

No registry can be reached from the lab, so its images are made here and given to containerd.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import subprocess
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass
class Image:
    """What is in an image, by path."""

    name: str
    files: dict[str, Path] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    folders: dict[str, int] = field(default_factory=dict)
    entrypoint: list[str] | None = None
    command: list[str] | None = None

    def busybox(self, program: Path) -> None:
        """Busybox with a link for each of its tools."""
        self.files["bin/busybox"] = program
        tools = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout.split()
        self.links.update({f"bin/{tool}": "busybox" for tool in tools if tool != "busybox"})

    def layer(self) -> bytes:
        """All of it as a tar file."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
            folders = dict(self.folders)
            for path in [*self.files, *self.texts, *self.links, *self.folders]:
                for parent in list(Path(path).parents)[:-1]:
                    folders.setdefault(str(parent), 0o755)
            for path in sorted(folders):
                entry = tarfile.TarInfo(path)
                entry.type, entry.mode = tarfile.DIRTYPE, folders[path]
                tar.addfile(entry)
            for path, source in self.files.items():
                data = source.read_bytes()
                entry = tarfile.TarInfo(path)
                entry.size, entry.mode = len(data), 0o755
                tar.addfile(entry, io.BytesIO(data))
            for path, text in self.texts.items():
                entry = tarfile.TarInfo(path)
                entry.size = len(text.encode())
                tar.addfile(entry, io.BytesIO(text.encode()))
            for path, to in self.links.items():
                entry = tarfile.TarInfo(path)
                entry.type, entry.linkname = tarfile.SYMTYPE, to
                tar.addfile(entry)
        return buffer.getvalue()

    def write(self, out: Path) -> None:
        """The image as a file that `ctr images import` takes."""
        layer = self.layer()
        config = {k: v for k, v in (("Env", [PATH]), ("Entrypoint", self.entrypoint), ("Cmd", self.command)) if v}
        machine = platform.machine()
        described = json.dumps({
            "architecture": ARCHITECTURES.get(machine, machine), "os": "linux", "created": "1970-01-01T00:00:00Z",
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
        }).encode()
        config_name = f"{hashlib.sha256(described).hexdigest()}.json"
        layer_name = f"{hashlib.sha256(layer).hexdigest()[:16]}/layer.tar"
        manifest = json.dumps([{"Config": config_name, "RepoTags": [self.name], "Layers": [layer_name]}]).encode()
        part = out.with_suffix(".part")
        with tarfile.open(part, "w") as tar:
            for name, data in ((layer_name, layer), (config_name, described), ("manifest.json", manifest)):
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
        part.rename(out)
