#!/usr/bin/env bash
# wan.sh REGIONS SCRIPTS NAME=PROGRAM...: the network between the regions, and the root that they start from.
#
# Runs in a new mount and network namespace. The root is bound without what is mounted below it: the mounts of
# other container runtimes on this machine would otherwise be copied, and held, by every region.
set -euo pipefail
regions=$1
scripts=$2
shift 2

root=$regions/root
mkdir -p "$root"
mount --bind / "$root"
# Where /usr is a file system of its own, binding / leaves it out.
if mountpoint -q /usr; then mount --bind /usr "$root/usr"; fi
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mkdir -p "$root"/run/{old,netns,lifeline/regions,lifeline/scripts,lifeline/tools}
mount --rbind /dev "$root/dev"
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t sysfs -o nosuid,nodev,noexec sysfs "$root/sys"
mount --bind "$regions" "$root/run/lifeline/regions"
mount --bind "$scripts" "$root/run/lifeline/scripts"
for tool in "$@"; do
  touch "$root/run/lifeline/tools/${tool%%=*}"
  mount --bind "${tool#*=}" "$root/run/lifeline/tools/${tool%%=*}"
done

cd "$root"
pivot_root . run/old
cd /
umount -l /run/old
rmdir /run/old

touch /run/netns/wan
mount --bind /proc/self/ns/net /run/netns/wan
ip link set lo up
ip link add wan type bridge stp_state 0
# Packets between regions are nobody's to filter: not this machine's, not the bridge's.
for protocol in iptables ip6tables arptables; do
  sysctl -qw "net.bridge.bridge-nf-call-$protocol=0"
done
ip link set wan up

touch /run/lifeline/ready
exec /run/lifeline/tools/pause wan "$regions"
