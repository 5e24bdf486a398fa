"""The real node: containerd, runc, kubelet and kube-proxy on this machine. Pods are real processes. Needs root.

Images that exist: `specrun.local/busybox:1` (a shell and the usual tools) and `specrun.local/host:1` (links only: with a
read-only hostPath volume on /usr a pod runs any program of this machine). image.py makes a third, `specrun.local/specrun:1`.

There can be one real node a machine (one bridge, one set of firewall chains), so its folder is always the same, and a lock
says whether it is in use. Whatever an earlier one left behind after a crash is removed before the next begins.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import IO

from control import healthy
from mkimage import Image
from parts import NODE, PODS, Api, Broken, Child, Lab, say

# Short, since the path of a socket may have 107 characters.
FOLDER = Path("/var/lib/specrun-lab/node")
SOCKET = FOLDER / "containerd.sock"
BRIDGE = "specrun0"
TMP_FOR_ALL = 0o1777
# A lab that is about to end needs a few seconds for it.
PATIENCE = 30


def claim() -> IO[str]:
    """The right to have the node; it ends with this process."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for sign in ("/etc/kubernetes/kubelet.conf", "/var/lib/rancher/k3s", "/var/lib/k0s"):
        if Path(sign).exists():
            raise Broken(f"this machine is a node of another cluster ({sign} is there), so the lab makes none of it")
    lock = FOLDER.with_suffix(".lock").open("a+")
    end = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError as error:
            if time.monotonic() > end:
                lock.seek(0)
                owner = lock.read().strip() or "another process"
                raise Broken(f"this machine is the node of another lab already ({owner}); there can be one at a time") from error
        time.sleep(0.2)
    lock.truncate(0)
    lock.write(f"process {os.getpid()}")
    lock.flush()
    return lock


def images(lab: Lab) -> list[Path]:
    """The images as files; they are made once."""
    folder = lab.cache / "images"
    folder.mkdir(exist_ok=True)
    users = {"etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n",
             "etc/group": "root:x:0:\nnogroup:x:65534:\n"}
    mounts = {name: 0o755 for name in ("proc", "sys", "dev", "root")}
    pause = Image("specrun.local/pause:1", files={"pause": Path(lab.program("pause"))}, entrypoint=["/pause"])
    busybox = Image("specrun.local/busybox:1", texts=users, folders={"tmp": TMP_FOR_ALL, **mounts}, command=["/bin/sh"])
    busybox.busybox(Path(lab.program("busybox")))
    host = Image("specrun.local/host:1", texts=users, folders={"tmp": TMP_FOR_ALL, "usr": 0o755, "app": 0o755, **mounts},
                 links={name: f"usr/{name}" for name in ("bin", "sbin", "lib", "lib64")}, command=["/bin/sh"])
    files = []
    for image in (pause, busybox, host):
        file = folder / f"{image.name.split('/')[1].replace(':', '-')}.tar"
        if not file.exists():
            image.write(file)
        files.append(file)
    return files


def containerd(lab: Lab) -> Child:
    """Starts containerd."""
    root = lab.cache / "root"
    (FOLDER / "cni").mkdir(exist_ok=True)
    (FOLDER / "cni" / "10-bridge.conflist").write_text(json.dumps({"cniVersion": "0.4.0", "name": "specrun", "plugins": [{
        "type": "bridge", "bridge": BRIDGE, "isGateway": True, "ipMasq": False, "hairpinMode": True,
        "ipam": {"type": "host-local", "dataDir": str(FOLDER / "ipam"), "ranges": [[{"subnet": PODS}]],
                 "routes": [{"dst": "0.0.0.0/0"}]}}]}))
    # restrict_oom_score_adj: without CAP_SYS_RESOURCE, as in some virtual machines, runc dies with "can't get final child's
    # PID from pipe: EOF".
    (FOLDER / "containerd.toml").write_text(f"""version = 2
root = "{FOLDER}/containerd/root"
state = "{FOLDER}/containerd/state"
[grpc]
  address = "{SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "specrun.local/pause:1"
  disable_apparmor = true
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{root}/usr/lib/cni"
    conf_dir = "{FOLDER}/cni"
""")
    return lab.start("containerd", lab.program("containerd"), "--config", str(FOLDER / "containerd.toml"))


def ctr(lab: Lab, *words: str) -> subprocess.CompletedProcess[str]:
    """A call of containerd."""
    call = [lab.program("ctr"), "--address", str(SOCKET), "-n", "k8s.io", *words]
    return subprocess.run(call, capture_output=True, text=True, env=lab.path(), check=False)


def give(lab: Lab, image: Path) -> None:
    """Gives containerd an image."""
    done = ctr(lab, "images", "import", str(image))
    if done.returncode != 0:
        said = (done.stderr.strip() or "it said nothing").splitlines()[-1]
        raise Broken(f"the lab's containerd does not take the image {image.name} (is the node up?): {said}")


def load(lab: Lab, child: Child) -> None:
    """Gives containerd the images, once it is up."""
    child.wait(60, lambda: ctr(lab, "version").returncode == 0)
    for image in images(lab):
        give(lab, image)
    say("containerd with its images")


def kubelet(lab: Lab, api: Api, gpus: int) -> None:
    """Starts the kubelet and kube-proxy, and waits until the node is ready."""
    address, ports, pki = lab.address, lab.ports, lab.pki
    lab.certificate("kubelet-client", f"/O=system:nodes/CN=system:node:{NODE}", "clientAuth")
    lab.certificate("kubelet-server", f"/O=system:nodes/CN=system:node:{NODE}", "serverAuth", f"DNS:{NODE},IP:{address},IP:127.0.0.1")
    lab.certificate("kube-proxy", "/CN=system:kube-proxy", "clientAuth")
    (FOLDER / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    (FOLDER / "kubelet.json").write_text(json.dumps({
        "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
        "address": address, "port": ports["kubelet"], "readOnlyPort": 0,
        "healthzBindAddress": "127.0.0.1", "healthzPort": ports["kubelet_health"],
        "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": True}, "x509": {"clientCAFile": f"{pki}/ca.crt"}},
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{pki}/kubelet-server.crt", "tlsPrivateKeyFile": f"{pki}/kubelet-server.key",
        # A machine without systemd, whose memory and disk are not the lab's.
        "cgroupDriver": "cgroupfs", "cgroupsPerQOS": True, "enforceNodeAllocatable": [], "failSwapOn": False,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%", "nodefs.inodesFree": "0%"},
        "imageGCHighThresholdPercent": 100, "imageGCLowThresholdPercent": 99,
        "resolvConf": str(FOLDER / "resolv.conf"), "clusterDomain": "cluster.local",
        "nodeStatusUpdateFrequency": "5s", "syncFrequency": "10s", "volumePluginDir": str(FOLDER / "volplugins"), "maxPods": 110}))
    child = lab.start(
        "kubelet", lab.program("kubelet"), f"--config={FOLDER}/kubelet.json", f"--kubeconfig={lab.kubeconfig('kubelet-client')}",
        f"--hostname-override={NODE}", f"--node-ip={address}", f"--root-dir={FOLDER}/kubelet", f"--cert-dir={FOLDER}/kubelet/pki",
        "--container-runtime=remote", f"--container-runtime-endpoint=unix://{SOCKET}",
        "--pod-infra-container-image=specrun.local/pause:1", "--housekeeping-interval=2s", "--node-labels=specrun/real=true",
        # Else its credential provider looks for a cloud's metadata server at every pull.
        env={"AWS_EC2_METADATA_DISABLED": "true"})
    child.wait(90, lambda: healthy(f"http://127.0.0.1:{ports['kubelet_health']}/healthz"))
    api.make("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "kube-proxy"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:node-proxier"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "system:kube-proxy"}]})
    proxy = lab.start(
        "kube-proxy", lab.program("kube-proxy"), f"--kubeconfig={lab.kubeconfig('kube-proxy')}", f"--hostname-override={NODE}",
        "--proxy-mode=iptables", f"--cluster-cidr={PODS}", f"--healthz-bind-address=127.0.0.1:{ports['proxy_health']}",
        f"--metrics-bind-address=127.0.0.1:{ports['proxy_metrics']}", "--conntrack-max-per-core=0",
        "--nodeport-addresses=127.0.0.0/8", "--iptables-min-sync-period=200ms")

    def ready() -> bool:
        conditions = api.call("GET", f"/api/v1/nodes/{NODE}")["status"].get("conditions", [])
        return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

    child.wait(120, ready)
    if gpus:
        # A counter: the scheduler shares it out, no device is passed in.
        api.call("PATCH", f"/api/v1/nodes/{NODE}", {"metadata": {"labels": {"accelerator": "lab"}}}, "application/merge-patch+json")
        api.call("PATCH", f"/api/v1/nodes/{NODE}/status", {"status": {"capacity": {"nvidia.com/gpu": str(gpus)}}},
                 "application/merge-patch+json")
        child.wait(30, lambda: "nvidia.com/gpu" in api.call("GET", f"/api/v1/nodes/{NODE}")["status"]["allocatable"])
    proxy.wait(60, lambda: healthy(f"http://127.0.0.1:{ports['proxy_health']}/healthz"))
    say("node")


def sweep(lab: Lab) -> None:
    """Removes everything that a node leaves: processes, mounts, network, firewall chains, control groups. The kubelet, the
    proxy and containerd must have ended."""
    pids = set(in_pods()) | set(shims())
    namespaces = {network(pid) for pid in pids} - {network(os.getpid()), None}
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    end = time.monotonic() + 5
    while (set(in_pods()) | set(shims())) and time.monotonic() < end:
        time.sleep(0.05)
    for mount in sorted(mounts(str(FOLDER)), reverse=True):
        run("umount", "-l", mount)
    for file in Path("/run/netns").glob("cni-*"):
        if inode(file) in namespaces:
            run("ip", "netns", "del", file.name)
    run("ip", "link", "del", BRIDGE)
    chains(lab)
    for group in sorted(Path("/sys/fs/cgroup").glob("**/kubepods"), reverse=True):
        for folder, _, _ in os.walk(group, topdown=False):
            try:
                os.rmdir(folder)
            except OSError:
                pass
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True, exist_ok=True)


def in_pods() -> list[int]:
    """Processes in the control groups of pods."""
    found = []
    for group in ("memory/kubepods", "kubepods", "pids/kubepods", "unified/kubepods"):
        for file in Path("/sys/fs/cgroup", group).glob("**/cgroup.procs"):
            try:
                found += [int(pid) for pid in file.read_text().split()]
            except OSError:
                pass
    return found


def shims() -> list[int]:
    """The processes that hold the containers of this node's containerd."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"containerd-shim" in words[0] and str(SOCKET).encode() in words:
                found.append(int(entry.name))
    return found


def network(pid: int) -> int | None:
    return inode(Path(f"/proc/{pid}/ns/net"))


def inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None


def mounts(below: str) -> list[str]:
    return [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines() if line.split()[1].startswith(below + "/")]


def run(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout


def chains(lab: Lab) -> None:
    """Takes out the firewall chains of the proxy and the kubelet."""
    run(lab.program("kube-proxy"), "--cleanup")
    for table in ("filter", "nat", "mangle"):
        saved = run("iptables-save", "-t", table)
        for rule in re.findall(r"^-A ((?!KUBE-)\S+ .*-j KUBE-\S+.*)$", saved, re.M):
            subprocess.run(f"iptables -w -t {table} -D {rule}", shell=True, capture_output=True, check=False)
        ours = re.findall(r"^:(KUBE-\S+) ", saved, re.M)
        for action in ("-F", "-X"):
            for chain in ours:
                run("iptables", "-w", "-t", table, action, chain)
