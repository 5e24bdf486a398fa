"""What the parts of the lab's Kubernetes share: where things are, certificates, processes, calls of the API."""

from __future__ import annotations

import base64
import ctypes
import json
import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

HERE = Path(__file__).resolve().parent
# Pods must reach the API server, and Kubernetes refuses 127/8 as the address of an endpoint: for a real node the server
# listens on an alias of the loopback interface, which never leaves the machine either.
ALIAS = "172.30.255.1"
NODE = "node-1"
PODS = "10.244.0.0/24"
SERVICES = "10.96.0.0/16"


def say(text: str) -> None:
    """One line of progress, with the time since the start."""
    print(f"{time.monotonic() - STARTED:6.1f} s  {text}", flush=True)


STARTED = time.monotonic()


class Broken(Exception):
    """Something of the lab does not work; the message says what."""


@dataclass
class Lab:
    """Where things are, and on which ports."""

    cache: Path
    state: Path
    ports: dict[str, int]
    real: bool
    children: list["Child"] = field(default_factory=list)

    @property
    def address(self) -> str:
        return ALIAS if self.real else "127.0.0.1"

    @property
    def api(self) -> str:
        return f"https://{self.address}:{self.ports['api']}"

    @property
    def pki(self) -> Path:
        return self.state / "pki"

    def program(self, name: str) -> str:
        """A program of the cache."""
        for folder in ("bin", "root/usr/bin", "root/usr/sbin", "root/bin"):
            path = self.cache / folder / name
            if path.exists():
                return str(path)
        raise Broken(f"there is no {name} below {self.cache}: build.sh makes it")

    def start(self, name: str, *words: str, env: dict[str, str] | None = None) -> "Child":
        """Starts a program whose output goes to a log file."""
        child = Child(name, self.state / "log" / f"{name}.log", list(words), {**self.path(), **(env or {})})
        self.children.append(child)
        return child

    def path(self) -> dict[str, str]:
        """The environment of every program: it finds those of the cache, and goes through no proxy."""
        root = self.cache / "root"
        return {**os.environ, "PATH": f"{root}/usr/bin:{root}/usr/sbin:{os.environ['PATH']}", "NO_PROXY": "*", "no_proxy": "*"}

    # --- certificates

    def key(self, name: str) -> None:
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.pki / f"{name}.key")

    def authority(self, name: str) -> None:
        self.key(name)
        openssl("req", "-x509", "-new", "-key", self.pki / f"{name}.key", "-days", "3650", "-subj", f"/CN={name}",
                "-out", self.pki / f"{name}.crt")

    def certificate(self, name: str, subject: str, usage: str, names: str = "", by: str = "ca") -> None:
        self.key(name)
        base = self.pki / name
        lines = ["basicConstraints=CA:FALSE", "keyUsage=digitalSignature,keyEncipherment", f"extendedKeyUsage={usage}"]
        if names:
            lines.append(f"subjectAltName={names}")
        Path(f"{base}.ext").write_text("\n".join(lines) + "\n")
        openssl("req", "-new", "-key", f"{base}.key", "-subj", subject, "-out", f"{base}.csr")
        openssl("x509", "-req", "-in", f"{base}.csr", "-CA", self.pki / f"{by}.crt", "-CAkey", self.pki / f"{by}.key",
                "-set_serial", str(int.from_bytes(os.urandom(8), "big") >> 1), "-days", "3650", "-extfile", f"{base}.ext",
                "-out", f"{base}.crt")

    def kubeconfig(self, user: str) -> Path:
        """A kubeconfig that holds everything it needs."""
        def data(file: str) -> str:
            return base64.b64encode((self.pki / file).read_bytes()).decode()

        path = self.state / f"{user}.kubeconfig"
        path.touch(0o600)
        path.write_text(json.dumps({  # JSON is YAML
            "apiVersion": "v1", "kind": "Config", "current-context": "lab",
            "clusters": [{"name": "lab", "cluster": {"server": self.api, "certificate-authority-data": data("ca.crt")}}],
            "users": [{"name": user, "user": {"client-certificate-data": data(f"{user}.crt"), "client-key-data": data(f"{user}.key")}}],
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": user}}],
        }))
        return path


def openssl(*words: str | Path) -> None:
    done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Broken(f"openssl {words[0]} ended with {done.returncode}: {done.stderr.strip()}")


class Child:
    """A program of the lab. It dies with this process, in whatever way that ends."""

    def __init__(self, name: str, log: Path, words: list[str], env: dict[str, str]) -> None:
        self.name, self.log = name, log
        log.parent.mkdir(exist_ok=True)
        libc = ctypes.CDLL(None)

        def attach() -> None:
            libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG

        with log.open("wb") as out:
            # A session of its own: the order in which they end matters, so only this process ends them.
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env,
                                            start_new_session=True, preexec_fn=attach)

    def wait(self, seconds: float, ready: Callable[[], bool]) -> None:
        """Waits until it is ready: it lives, and the question is answered with yes."""
        end = time.monotonic() + seconds
        while True:
            if self.process.poll() is not None:
                raise Broken(f"{self.name} ended with {self.process.returncode}: {self.tail()}")
            try:
                if ready():
                    return
            except (OSError, ValueError, subprocess.SubprocessError):
                pass
            if time.monotonic() > end:
                raise Broken(f"{self.name} was not ready within {seconds:.0f} s: {self.tail()}")
            time.sleep(0.1)

    def tail(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()
        return f"the end of {self.log}:\n" + "\n".join(lines[-12:])

    def stop(self, seconds: float) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Api:
    """Calls of the API as the cluster's administrator."""

    def __init__(self, url: str, ca: str, certificate: str, key: str) -> None:
        self.url = url
        self.tls = ssl.create_default_context(cafile=ca)
        self.tls.load_cert_chain(certificate, key)
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self.tls))

    @classmethod
    def of(cls, lab: Lab) -> "Api":
        return cls(*cls.words(lab))

    @staticmethod
    def words(lab: Lab) -> list[str]:
        """What another program needs to make the same calls."""
        return [lab.api, *(str(lab.pki / f) for f in ("ca.crt", "admin.crt", "admin.key"))]

    @classmethod
    def from_arguments(cls) -> tuple["Api", list[str]]:
        return cls(*sys.argv[1:5]), sys.argv[5:]

    def open(self, method: str, path: str, body: Any = None, kind: str = "application/json", timeout: float = 10) -> Any:
        data = None if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": kind}, method=method)
        return self.opener.open(request, timeout=timeout)

    def call(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Any:
        with self.open(method, path, body, kind) as answer:
            return json.load(answer)

    def ready(self) -> bool:
        with self.open("GET", "/readyz", timeout=3) as answer:
            return bool(answer.status == 200)

    def make(self, path: str, body: Any, kind: str = "application/json") -> None:
        """Creates what is not there yet."""
        try:
            self.call("POST", path, body, kind)
        except urllib.error.HTTPError as error:
            if error.code != 409:
                raise Broken(f"POST {path}: {error.code} {error.read().decode()[:300]}") from error

    def apply(self, path: str, body: Any, manager: str) -> Any:
        """Makes an object what it should be."""
        return self.call("PATCH", f"{path}/{body['metadata']['name']}?fieldManager={manager}&force=true", body,
                         "application/apply-patch+yaml")
