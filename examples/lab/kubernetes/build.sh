#!/usr/bin/env bash
# build.sh TARGET: everything the lab's Kubernetes needs, from Debian bookworm's signed packages and sources alone.
#
#   TARGET/bin   kube-apiserver, kube-controller-manager, kube-scheduler, kubelet, kube-proxy, pause
#   TARGET/root  etcd, containerd, runc, CNI plug-ins, busybox, kubectl: unpacked, not installed, since installing would
#                start an etcd and a containerd of the system's own
#
# Compiling takes about nine minutes on two cores, 2 GB of disk and 2 GB of memory; 600 MB stay. A second run does nothing.
# Needs root only to install what is missing (the Go compiler and a few small tools); without root it says what that is.
set -euo pipefail
umask 022
target=$(mkdir -p "$1" && cd "$1" && pwd)
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=$target/bin root=$target/root apt=$target/apt work=$target/build
version=1.20.5+really1.20.2 # Debian's name for 1.20.2
stamp="kubernetes 1.20.2, recipe 1, $(uname -m)"
programs="kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy"
packages="etcd-server containerd runc containernetworking-plugins busybox-static kubernetes-client golang-github-modern-go-reflect2-dev"
export DEBIAN_FRONTEND=noninteractive

say() { printf '%s\n' "$*"; }
die() { printf 'build.sh: %s\n' "$*" >&2; exit 1; }
complete() {
  [ "$(cat "$bin/.stamp" 2>/dev/null)" = "$stamp" ] || return 1
  for program in $programs pause; do [ -x "$bin/$program" ] || return 1; done
}

command -v apt-get >/dev/null ||
  die "the lab's Kubernetes is built from Debian packages, and this machine has no apt-get; name a cluster of your own as the endpoint \`kube\`"
exec 9>"$target/build.lock"
flock 9

# --- programs of the machine
missing=()
want() { command -v "$1" >/dev/null || missing+=("$2"); }
want openssl openssl; want python3 python3; want ip iproute2; want iptables iptables; want conntrack conntrack; want socat socat
if ! complete; then
  want dpkg-source dpkg-dev; want gcc gcc
  [ -x /usr/lib/go-1.19/bin/go ] || missing+=(golang-1.19-go)
  [ -e /usr/include/stdlib.h ] || missing+=(libc6-dev)
fi
if [ ${#missing[@]} -gt 0 ]; then
  [ "$(id -u)" = 0 ] || die "these packages are missing, and installing them needs root: ${missing[*]}"
  say "installing ${missing[*]}"
  install() { apt-get -qq -o DPkg::Lock::Timeout=600 install -y --no-install-recommends "${missing[@]}" >"$target/apt.log" 2>&1 9>&-; }
  install || { apt-get -qq update >>"$target/apt.log" 2>&1; install; } || { tail -n 20 "$target/apt.log" >&2; die "apt-get could not install ${missing[*]}"; }
fi

# --- Debian packages without touching the machine's apt: its own sources, lists, cache and status below TARGET. apt checks
# each package against the signed index, so no checksums are kept here.
mirror() { # the one this machine is configured to use
  local found
  found=$(apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' | awk '$1 == "Debian" && !n++ { print $2 }')
  [ -n "$found" ] || found=$(grep -hoE '[a-z+]+:[^ ]*/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | awk '!n++ { print $1 }' || true)
  [ -n "$found" ] || die "there is no Debian mirror among this machine's apt sources"
  echo "$found"
}
own_apt() {
  apt-get -qq -o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
    -o Dir::State="$apt/state" -o Dir::State::Lists="$apt/lists" -o Dir::State::status="$apt/status" \
    -o Dir::Cache="$apt/cache" -o Acquire::Languages=none \
    -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false -o APT::Sandbox::User=root "$@"
}
refresh() {
  mkdir -p "$apt"/{state,lists/partial,cache/archives/partial}
  : >"$apt/status"
  [ -z "$(find "$apt/updated" -mtime -7 2>/dev/null)" ] || return 0
  local key=/usr/share/keyrings/debian-archive-keyring.gpg from
  [ -r "$key" ] || die "there is no key ring at $key (package debian-archive-keyring)"
  from=$(mirror)
  printf '%s [signed-by=%s] %s bookworm main\n' deb "$key" "$from" deb-src "$key" "$from" >"$apt/sources.list"
  own_apt update
  touch "$apt/updated"
}
if [ "$(cat "$root/.packages" 2>/dev/null)" != "$packages" ]; then
  say "unpacking etcd, containerd, runc, CNI plug-ins, busybox, kubectl"
  refresh
  unpacked=$(mktemp -d "$target/unpack.XXXXXX")
  (cd "$unpacked" && own_apt download $packages && for deb in *.deb; do dpkg -x "$deb" root; done)
  echo "$packages" >"$unpacked/root/.packages"
  rm -rf "$root"
  mv "$unpacked/root" "$root"
  rm -rf "$unpacked"
fi
if complete; then say "complete"; exit 0; fi

# --- sources
src=$work/gopath/src/k8s.io/kubernetes
mkdir -p "$work"
if [ ! -e "$work/.unpacked" ]; then
  say "fetching the sources of Kubernetes"
  refresh
  (cd "$work" && rm -f kubernetes_*.dsc && own_apt source --download-only kubernetes)
  dsc=$(cd "$work" && echo kubernetes_*.dsc)
  case $dsc in "kubernetes_$version"-*) ;; *) die "bookworm has $dsc, and this script knows $version only" ;; esac
  rm -rf "$src"
  mkdir -p "$(dirname "$src")"
  dpkg-source --no-check -x "$work/$dsc" "$src" >/dev/null # apt has checked it
  touch "$work/.unpacked"
fi
cd "$src"
export GOPATH=$work/gopath GO111MODULE=off CGO_ENABLED=0 GOFLAGS= GOCACHE=$work/gocache PATH=/usr/lib/go-1.19/bin:$PATH
# The vendored reflect2 1.0.1 dereferences nil for map types under Go 1.18 and newer: the server becomes ready, and panics at
# the first POST with a map in it. Debian's own 1.0.2 takes its place.
reflect2=vendor/github.com/modern-go/reflect2
if [ ! -e $reflect2/go_above_118.go ]; then
  rm -f $reflect2/*.go $reflect2/*.s
  cp "$root"/usr/share/gocode/src/github.com/modern-go/reflect2/*.{go,s} $reflect2/
fi
# The one generated file that the source package lacks for these programs.
generated=pkg/generated/openapi/zz_generated.openapi.go
if [ ! -s $generated ]; then
  say "generating the API's description"
  nice -n 10 go build -o "$work/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
  inputs=$(find -L cmd pkg plugin vendor/k8s.io -name '*.go' -print |
    grep -v -e '^vendor/k8s.io/code-generator/' -e '^vendor/k8s.io/sample-apiserver/' |
    xargs grep -l '^// *+k8s:openapi-gen=' | xargs -n1 dirname | LC_ALL=C sort -u | sed 's#^#k8s.io/kubernetes/#' | paste -sd,)
  "$work/openapi-gen" -i "$inputs" -p k8s.io/kubernetes/pkg/generated/openapi -O zz_generated.openapi \
    -h hack/boilerplate/boilerplate.generatego.txt --output-base "$GOPATH/src" -r "$work/openapi-violations.txt"
fi

# --- programs. In GOPATH mode the vendor path is part of the name of a -X variable.
flags=
for package in component-base/version client-go/pkg/version; do
  package=k8s.io/kubernetes/vendor/k8s.io/$package
  flags="$flags -X $package.gitVersion=v1.20.2 -X $package.gitMajor=1 -X $package.gitMinor=20 -X $package.gitTreeState=archive -X $package.buildDate=2021-01-13T13:00:00Z"
done
rm -rf "$target/bin.part"
mkdir -p "$target/bin.part"
for program in $programs; do
  say "compiling $program"
  nice -n 10 go build -trimpath -ldflags "-s -w $flags" -o "$target/bin.part/" "./cmd/$program"
done
gcc -Os -static -s -o "$target/bin.part/pause" "$here/pause.c"
echo "$stamp" >"$target/bin.part/.stamp"
rm -rf "$bin"
mv "$target/bin.part" "$bin"
[ -n "${LAB_KEEP_BUILD:-}" ] || { cd "$target"; chmod -R u+w "$work"; rm -rf "$work"; }
say "complete"
