#!/usr/bin/env bash
# seed.sh FOLDER ARCHIVE...: unpacks images into a containerd root. Runs in new mount and process namespaces.
set -euo pipefail
folder=$1
shift

# Opened before /run and /tmp are covered: an archive may be anywhere.
exec 3>"$folder/containerd.log"
cd "$folder"
mkdir -p root
descriptors=()
for archive in "$@"; do
  exec {descriptor}<"$archive"
  descriptors+=("$descriptor")
done

mount -t tmpfs tmpfs /run
cat >/run/containerd.toml <<CONFIG
version = 2
root = "$folder/root"
state = "/run/containerd"
oom_score = 0
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
[grpc]
  address = "/run/containerd.sock"
CONFIG
containerd --config /run/containerd.toml >&3 2>&1 &
containerd=$!
client=(ctr -a /run/containerd.sock -n k8s.io)
for _ in $(seq 100); do
  if [ -S /run/containerd.sock ] && "${client[@]}" version >&3 2>&1; then break; fi
  sleep 0.1
done
for descriptor in "${descriptors[@]}"; do
  "${client[@]}" images import --snapshotter overlayfs - <&"$descriptor" >&3
done
# The kubelet looks an image up by the name that a pod gives: by tag, or by digest. An archive may name both.
"${client[@]}" images ls | awk 'NR > 1 && $1 !~ /@/ { print $1, $3 }' | while read -r reference digest; do
  "${client[@]}" images tag --force "$reference" "${reference%:*}@$digest" >&3
done
"${client[@]}" images ls
kill "$containerd"
wait "$containerd" || true
