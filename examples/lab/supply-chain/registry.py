#!/usr/bin/env python3
"""registry.py BIN PORT STATE: a container registry on loopback with images that are signed, unsigned, wrongly signed and
tampered with, and the same kind of images as files for scanners.

It runs the real registry (docker-registry) until it is told to stop, and makes everything the real cosign signs at each
start, so no key and no secret is written down anywhere. What lies where:

    PORT/models/predictor:signed        signed with keys/cosign.key, annotation approver=alice
    PORT/models/predictor:unsigned      no signature
    PORT/models/predictor:wrong-key     signed with keys/other.key
    PORT/models/predictor:tampered      was signed; then the tag was moved to another image
    PORT/models/predictor:transplanted  another image, with the signature of `signed` copied to it
    PORT/models/weights:...             a model with the same five tags
    PORT/models/predictor:{clean,secret,vulnerable}  images for scanners
    PORT/models/predictor:ready         made last: everything else is there
    STATE/keys/{cosign,other}.{key,pub}
    STATE/images/{clean,secret,vulnerable}.tar   images as `docker save` writes them
    STATE/files/{clean,secret,vulnerable}/       the same files, unpacked
    STATE/trivy/                        a database of vulnerabilities for Trivy, made now
    STATE/model/{model.bin,model.bundle} a signed file

Needs BIN/docker-registry, BIN/cosign and BIN/make-trivy-db, and openssl.
"""

from __future__ import annotations

import datetime
import gzip
import hashlib
import io
import json
import os
import secrets
import shutil
import signal
import string
import subprocess
import sys
import tarfile
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def main() -> None:
    if len(sys.argv) != 4:
        sys.exit("usage: registry.py BIN PORT STATE")
    bin_, port, state = Path(sys.argv[1]).absolute(), int(sys.argv[2]), Path(sys.argv[3]).absolute()
    for name in ("docker-registry", "cosign", "make-trivy-db"):
        if not os.access(bin_ / name, os.X_OK):
            sys.exit(f"registry.py: {name} is not in {bin_}")
    for name in ("keys", "images", "files", "trivy", "model", "data", "home"):
        shutil.rmtree(state / name, ignore_errors=True)
        (state / name).mkdir(parents=True)
    server = serve(bin_, port, state)
    signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    signal.signal(signal.SIGINT, lambda *_: server.terminate())
    try:
        fill(bin_, port, state, server)
    except BaseException:
        server.terminate()
        server.wait()
        raise
    sys.exit(server.wait() if server.returncode is None else server.returncode)


def serve(bin_: Path, port: int, state: Path) -> subprocess.Popen:
    """The registry itself."""
    config = state / "registry.json"  # JSON is YAML.
    config.write_text(json.dumps({
        "version": "0.1",
        "log": {"level": "warn"},
        "storage": {"filesystem": {"rootdirectory": str(state / "data")}, "delete": {"enabled": True}},
        "http": {"addr": f"127.0.0.1:{port}"},
    }))
    return subprocess.Popen([bin_ / "docker-registry", "serve", config], stdin=subprocess.DEVNULL)


def fill(bin_: Path, port: int, state: Path, server: subprocess.Popen) -> None:
    """Makes keys, images, signatures and the database."""
    registry = Registry(f"http://127.0.0.1:{port}", "models/predictor")
    registry.wait(server)

    def cosign(*words: str, cwd: Path = state) -> None:
        env = {**os.environ, "COSIGN_PASSWORD": "", "HOME": str(state / "home"), "DOCKER_CONFIG": str(state / "home")}
        done = subprocess.run([bin_ / "cosign", *words], cwd=cwd, env=env, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"registry.py: cosign {words[0]} ended with {done.returncode}: {done.stderr.strip()[-500:]}")

    for key in ("cosign", "other"):
        cosign("generate-key-pair", "--output-key-prefix", key, cwd=state / "keys")

    def signed_and_not(repository: Registry, path: str) -> None:
        """What is signed, and what is not, in every way."""
        def push(text: str, tag: str) -> str:
            return repository.push({path: f"print({text!r})\n".encode()}, tag)

        def sign(key: str, digest: str, *more: str) -> str:
            cosign("sign", "--yes", "--tlog-upload=false", "--allow-http-registry=true", "--key",
                   str(state / "keys" / f"{key}.key"), *more, f"127.0.0.1:{port}/{repository.name}@{digest}")
            return digest

        signed = sign("cosign", push("signed", "signed"), "-a", "approver=alice")
        push("unsigned", "unsigned")
        sign("other", push("wrong key", "wrong-key"))
        sign("cosign", push("good", "tampered"))
        push("bad", "tampered")
        # cosign 2 keeps a signature under a tag made of the digest.
        moved = push("transplanted", "transplanted")
        repository.copy(signed.replace(":", "-") + ".sig", moved.replace(":", "-") + ".sig")

    signed_and_not(registry, "app/predict.py")
    signed_and_not(Registry(registry.url, "models/weights"), "model/weights.bin")

    model = state / "model" / "model.bin"
    model.write_bytes(secrets.token_bytes(100_000))
    cosign("sign-blob", "--yes", "--tlog-upload=false", "--key", str(state / "keys" / "cosign.key"),
           "--bundle", str(model.with_suffix(".bundle")), str(model))

    for kind, files in scanned().items():
        for path, content in files.items():
            place = state / "files" / kind / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        archive(state / "images" / f"{kind}.tar", f"lab/{kind}:1", files)
        registry.push(files, kind)
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    subprocess.run([bin_ / "make-trivy-db", HERE / "advisories.json", state / "trivy", now], check=True)
    registry.push({"ready": b""}, "ready")


def scanned() -> dict[str, dict[str, bytes]]:
    """The files of the images for scanners. Secrets are random and made now: none is written down anywhere, and
    scanners pass over values that look made up."""
    def random(alphabet: str, n: int) -> str:
        return "".join(secrets.choice(alphabet) for _ in range(n))

    def package(name: str, version: str) -> tuple[str, bytes]:
        # What pip leaves behind, enough for a scanner to see the package.
        return (f"usr/lib/python3.11/site-packages/{name}-{version}.dist-info/METADATA",
                f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nLicense: Apache-2.0\n".encode())

    new = dict([package("requests", "2.32.3"), package("numpy", "2.1.0")])
    old = dict([package("requests", "2.19.0"), package("numpy", "1.26.4")])
    alnum = string.ascii_letters + string.digits
    upper = string.ascii_uppercase + "234567"
    key = subprocess.run(["openssl", "genrsa", "2048"], capture_output=True, check=True).stdout
    planted = {
        "root/.aws/credentials": f"AWS_ACCESS_KEY_ID=AKIA{random(upper, 16)}\n"
                                 f"AWS_SECRET_ACCESS_KEY={random(alnum, 40)}\n".encode(),
        "app/settings.py": f'GITHUB_TOKEN="ghp_{random(alnum, 36)}"\n'.encode(),
        "app/id_rsa.pem": key,
    }
    app = {"app/predict.py": b"print('predict')\n"}
    return {"clean": {**app, **new}, "secret": {**app, **new, **planted}, "vulnerable": {**app, **old}}


def layer(files: dict[str, bytes]) -> bytes:
    """A layer: a tar archive of the files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for path, content in sorted(files.items()):
            info = tarfile.TarInfo(path)
            info.size, info.mode = len(content), 0o644
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def config(tar: bytes) -> bytes:
    """The configuration of an image with one layer."""
    return json.dumps({
        "architecture": "amd64", "os": "linux", "config": {},
        "rootfs": {"type": "layers", "diff_ids": [digest(tar)]},
    }).encode()


def archive(path: Path, tag: str, files: dict[str, bytes]) -> None:
    """An image as `docker save` writes it."""
    tar = layer(files)
    settings = config(tar)
    name = hashlib.sha256(settings).hexdigest() + ".json"
    manifest = json.dumps([{"Config": name, "RepoTags": [tag], "Layers": ["layer.tar"]}]).encode()
    path.write_bytes(layer({name: settings, "layer.tar": tar, "manifest.json": manifest}))


def digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


class Registry:
    """A repository of a registry, over its HTTP interface (OCI distribution specification)."""

    def __init__(self, url: str, repository: str) -> None:
        self.url, self.name = url, repository
        self.open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open

    def wait(self, server: subprocess.Popen) -> None:
        """Waits until it answers."""
        while True:
            if server.poll() is not None:
                sys.exit(f"registry.py: the registry ended with {server.returncode}")
            try:
                self.open(f"{self.url}/v2/", timeout=5).close()
                return
            except OSError:
                time.sleep(0.05)

    def call(self, method: str, path: str, body: bytes | None = None, kind: str | None = None):
        url = path if path.startswith("http") else f"{self.url}/v2/{self.name}/{path}"
        headers = {"Content-Type": kind} if kind and body is not None else {"Accept": kind} if kind else {}
        return self.open(urllib.request.Request(url, data=body, method=method, headers=headers), timeout=30)

    def blob(self, content: bytes) -> dict:
        """Stores a blob; its descriptor without the media type."""
        where = self.call("POST", "blobs/uploads/").headers["Location"]
        where += ("&" if "?" in where else "?") + "digest=" + digest(content)
        self.call("PUT", where, content, "application/octet-stream")
        return {"size": len(content), "digest": digest(content)}

    def push(self, files: dict[str, bytes], tag: str) -> str:
        """Stores an image under a tag; its digest."""
        tar = layer(files)
        manifest = json.dumps({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, **self.blob(config(tar))},
            "layers": [{"mediaType": LAYER, **self.blob(gzip.compress(tar, mtime=0))}],
        }).encode()
        self.call("PUT", f"manifests/{tag}", manifest, MANIFEST)
        return digest(manifest)

    def copy(self, tag: str, to: str) -> None:
        """Gives what is under a tag another one."""
        kind = "application/vnd.oci.image.manifest.v1+json"
        manifest = self.call("GET", f"manifests/{tag}", kind=kind).read()
        self.call("PUT", f"manifests/{to}", manifest, kind)


if __name__ == "__main__":
    main()
