#!/usr/bin/env bash
# Mounts the cgroups with the region's own as their root; the region's processes are below it, beside the pods.
set -euo pipefail

mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
# One line per hierarchy: NUMBER:CONTROLLERS:PATH; version 2 has number 0 and no controllers.
while IFS=: read -r number controllers _; do
  folder=/sys/fs/cgroup/${controllers#name=}
  if [ "$number" != 0 ]; then
    mkdir -p "$folder"
    mount -t cgroup -o "$controllers" cgroup "$folder"
  elif [ "$(wc -l </proc/self/cgroup)" = 1 ]; then
    # Version 2 alone. Not tried on every distribution: the kubelet needs cpu, memory and pids delegated.
    umount /sys/fs/cgroup
    folder=/sys/fs/cgroup
    mount -t cgroup2 cgroup2 "$folder"
  else
    folder=/sys/fs/cgroup/unified
    mkdir -p "$folder"
    mount -t cgroup2 cgroup2 "$folder"
  fi
  if [ "$folder" = /sys/fs/cgroup ]; then
    read -ra available <"$folder/cgroup.controllers"
    for controller in "${available[@]}"; do echo "+$controller" >"$folder/cgroup.subtree_control"; done
  fi
done < <(cat /proc/self/cgroup)
