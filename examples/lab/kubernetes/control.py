"""The control plane: etcd, the API server, the controllers and the scheduler, each the real one."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import urllib.request

from parts import ALIAS, SERVICES, Api, Lab, openssl, say

API_NAMES = ("DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,"
             "DNS:kubernetes.default.svc.cluster.local,IP:127.0.0.1,IP:10.96.0.1,IP:")


def healthy(url: str) -> bool:
    """Whether a health page of this machine says yes."""
    trusting = ssl._create_unverified_context()  # a self-signed certificate of the program itself
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusting))
    with opener.open(url, timeout=3) as answer:
        return bool(answer.status == 200)


def certificates(lab: Lab) -> None:
    lab.pki.mkdir(mode=0o700)
    lab.authority("ca")
    lab.authority("front-proxy-ca")
    lab.key("sa")
    openssl("ec", "-in", lab.pki / "sa.key", "-pubout", "-out", lab.pki / "sa.pub")
    lab.certificate("apiserver", "/CN=kube-apiserver", "serverAuth", API_NAMES + lab.address)
    lab.certificate("apiserver-kubelet-client", "/O=system:masters/CN=kube-apiserver-kubelet-client", "clientAuth")
    lab.certificate("front-proxy-client", "/CN=front-proxy-client", "clientAuth", by="front-proxy-ca")
    lab.certificate("admin", "/O=system:masters/CN=admin", "clientAuth")
    for part in ("controller-manager", "scheduler"):
        lab.certificate(part, f"/CN=system:kube-{part}", "clientAuth")
    for user in ("admin", "controller-manager", "scheduler"):
        lab.kubeconfig(user)


def up(lab: Lab) -> Api:
    """Starts everything; the controllers may still be at work when it returns."""
    # What an earlier one left is of no use: a lab begins empty.
    for left in ("etcd", "pki"):
        shutil.rmtree(lab.state / left, ignore_errors=True)
    if lab.real:
        subprocess.run(["ip", "addr", "replace", f"{ALIAS}/32", "dev", "lo"], check=True)
    certificates(lab)
    say("certificates")
    ports, pki = lab.ports, lab.pki
    client, peer = f"http://127.0.0.1:{ports['etcd']}", f"http://127.0.0.1:{ports['peer']}"
    etcd = lab.start("etcd", lab.program("etcd"), "--name", "default", "--data-dir", str(lab.state / "etcd"),
                     "--listen-client-urls", client, "--advertise-client-urls", client,
                     "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}",
                     # A lab that is gone after a crash is no loss, and a slow disk is.
                     "--unsafe-no-fsync", "--logger", "zap", "--log-level", "warn")
    etcd.wait(60, lambda: healthy(f"{client}/health"))
    say("etcd")
    server = lab.start(
        "kube-apiserver", lab.program("kube-apiserver"), f"--etcd-servers={client}",
        f"--bind-address={lab.address}", f"--advertise-address={lab.address}", f"--secure-port={ports['api']}", "--insecure-port=0",
        # A port of the node may be any that specrun has chosen for a service.
        f"--service-cluster-ip-range={SERVICES}", "--service-node-port-range=1024-65535",
        f"--tls-cert-file={pki}/apiserver.crt", f"--tls-private-key-file={pki}/apiserver.key", f"--client-ca-file={pki}/ca.crt",
        f"--service-account-key-file={pki}/sa.pub", f"--service-account-signing-key-file={pki}/sa.key",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--kubelet-client-certificate={pki}/apiserver-kubelet-client.crt",
        f"--kubelet-client-key={pki}/apiserver-kubelet-client.key", f"--kubelet-certificate-authority={pki}/ca.crt",
        "--kubelet-preferred-address-types=InternalIP,Hostname",
        f"--requestheader-client-ca-file={pki}/front-proxy-ca.crt", "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={pki}/front-proxy-client.crt", f"--proxy-client-key-file={pki}/front-proxy-client.key",
        # Not ExtendedResourceToleration: a toleration that is missing shall be missed.
        # Not --enable-aggregator-routing: with it a service of type ExternalName cannot stand for the metrics.
        "--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true", "--profiling=false", "--event-ttl=2h")
    api = Api.of(lab)
    server.wait(120, api.ready)
    say("API server")
    # Short periods: an autoscaler looks every 2 s and forgets a peak after 10 s, a silent node is lost after 20 s.
    lab.start(
        "kube-controller-manager", lab.program("kube-controller-manager"), f"--kubeconfig={lab.state}/controller-manager.kubeconfig",
        "--leader-elect=false", "--port=0", "--bind-address=127.0.0.1", f"--secure-port={ports['controllers']}",
        "--use-service-account-credentials=true", f"--service-account-private-key-file={pki}/sa.key", f"--root-ca-file={pki}/ca.crt",
        f"--cluster-signing-cert-file={pki}/ca.crt", f"--cluster-signing-key-file={pki}/ca.key",
        f"--requestheader-client-ca-file={pki}/front-proxy-ca.crt", "--authentication-skip-lookup=true",
        "--node-monitor-period=2s", "--node-monitor-grace-period=20s", "--pod-eviction-timeout=20s",
        "--horizontal-pod-autoscaler-sync-period=2s", "--horizontal-pod-autoscaler-downscale-stabilization=10s",
        "--horizontal-pod-autoscaler-initial-readiness-delay=1s", "--horizontal-pod-autoscaler-cpu-initialization-period=5s",
        # A suite makes and removes many namespaces at once.
        "--concurrent-namespace-syncs=20", "--kube-api-qps=200", "--kube-api-burst=400")
    lab.start("kube-scheduler", lab.program("kube-scheduler"), f"--kubeconfig={lab.state}/scheduler.kubeconfig", "--leader-elect=false",
              "--port=0", "--bind-address=127.0.0.1", f"--secure-port={ports['scheduler']}", "--authentication-skip-lookup=true")
    return api


def settled(lab: Lab, api: Api) -> None:
    """Waits until pods can be made: a server that is ready is not yet a cluster that works."""
    for name, port in (("kube-controller-manager", "controllers"), ("kube-scheduler", "scheduler")):
        child = next(c for c in lab.children if c.name == name)
        child.wait(60, lambda port=port: healthy(f"https://127.0.0.1:{lab.ports[port]}/healthz"))
    child.wait(60, lambda: bool(api.call("GET", "/api/v1/namespaces/default/serviceaccounts/default")))
    say("controllers and scheduler")


def down(lab: Lab) -> None:
    if lab.real:
        subprocess.run(["ip", "addr", "del", f"{ALIAS}/32", "dev", "lo"], check=False, capture_output=True)
