#!/usr/bin/env bash
# enter-cgroup.sh NAME COMMAND...: becomes COMMAND in the cgroup /NAME of every hierarchy. The one above it exists.
set -euo pipefail
name=$1
shift

if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
  hierarchies=(/sys/fs/cgroup)
  # One by one: a controller that the machine does not delegate must not hide the others.
  read -ra controllers </sys/fs/cgroup/cgroup.controllers
  for controller in "${controllers[@]}"; do
    echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null || true
  done
else
  hierarchies=()
  for folder in /sys/fs/cgroup/*; do
    # Links such as cpu -> cpu,cpuacct are second names of a hierarchy.
    if [ ! -L "$folder" ] && [ -f "$folder/cgroup.procs" ]; then hierarchies+=("$folder"); fi
  done
fi

for hierarchy in "${hierarchies[@]}"; do
  mkdir -p "$hierarchy/$name"
  for setting in cpuset.cpus cpuset.mems; do
    # In version 1 a new cpuset is empty and takes no process.
    if [ -f "$hierarchy/$setting" ]; then cat "$hierarchy/$setting" >"$hierarchy/$name/$setting"; fi
  done
  echo $$ >"$hierarchy/$name/cgroup.procs"
done

exec "$@"
