#!/usr/bin/env bash
# Makes a root in which only the region's own folder and temporary files can be written.
set -euo pipefail

mkdir -p /run/next
mount -t tmpfs -o mode=755 tmpfs /run/next
mkdir -p /run/next/{lock,region,tools,cni/bin,containerd,kernel}
mount --bind "/run/lifeline/regions/$REGION_KEY" /run/next/region
mount --rbind /run/lifeline/tools /run/next/tools
# libmount keeps notes below /run, which is being replaced.
mount --no-mtab --move /run/next /run
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t tmpfs -o mode=755 tmpfs /var
mkdir -p /var/{lib,log,cache}
mkdir -m 1777 /var/tmp
ln -s /run /var/run
ln -s /run/lock /var/lock
# containerd looks for every plugin in one folder.
ln -s "$REGION_CNI_PLUGINS"/* /run/tools/region-agent /run/cni/bin/

for file in hosts resolv.conf; do
  target=$(readlink -m "/etc/$file")
  # A link into /run, as systemd-resolved makes it, points into this region's own empty /run.
  if [ ! -e "$target" ]; then mkdir -p "${target%/*}" && : >"$target"; fi
  mount --bind "/run/region/etc/$file" "$target"
done

# Settings of the whole kernel stay this machine's: read-only here. Those that the kubelet insists on are shown to it
# as already right, so that it has nothing to write.
for folder in vm kernel fs; do
  mount --bind "/proc/sys/$folder" "/proc/sys/$folder"
  mount -o remount,bind,ro "/proc/sys/$folder"
done
while read -r setting value; do
  echo "$value" >"/run/kernel/${setting//\//_}"
  mount --bind "/run/kernel/${setting//\//_}" "/proc/sys/$setting"
done <<'SETTINGS'
vm/overcommit_memory 1
vm/panic_on_oom 0
kernel/panic 10
kernel/panic_on_oops 1
kernel/keys/root_maxkeys 1000000
kernel/keys/root_maxbytes 25000000
SETTINGS

# Volumes with a file system of their own, before anything could use the empty folders below them.
for disk in /run/region/state/volumes/*.disk; do
  if [ -f "$disk" ] && [ -d "${disk%.disk}" ]; then
    mount -o loop,noatime,discard,barrier=0 "$disk" "${disk%.disk}"
  fi
done

mount -o remount,bind,ro /
if mountpoint -q /usr; then mount -o remount,bind,ro /usr; fi
# The kubelet passes mounts on to pods.
mount --make-rshared /
