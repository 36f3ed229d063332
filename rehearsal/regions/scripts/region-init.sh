#!/usr/bin/env bash
# Makes a region out of fresh mount, process, host name, IPC, cgroup and network namespaces, then becomes its first
# process. Settings come as REGION_* variables.
set -euo pipefail
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/run

hostname "$REGION_NODE"
mount -t proc -o nosuid,nodev,noexec proc /proc
mount -t sysfs -o nosuid,nodev,noexec sysfs /sys

# The link to the other regions, while the network's name can still be seen. A link of the same name can linger for
# a moment after a region has died.
in_wan=(nsenter --net=/run/netns/wan ip link)
"${in_wan[@]}" del "$REGION_LINK" 2>/dev/null || true
# The same hardware address at every boot: the others remember it, and would look for a restarted region in vain.
read -ra octets <<<"$(tr './' '  ' <<<"$REGION_ADDRESS")"
printf -v hardware '02:00:%02x:%02x:%02x:%02x' "${octets[@]:0:4}"
ip link add eth0 address "$hardware" type veth peer name "$REGION_LINK" netns wan
"${in_wan[@]}" set "$REGION_LINK" master wan up
umount /run/netns/wan

/run/lifeline/scripts/region-cgroups.sh
/run/lifeline/scripts/region-mounts.sh
cd /

sysctl -qw net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1
ip link set lo up
ip address add "$REGION_ADDRESS" dev eth0
ip link set eth0 up
# Made before the first pod: a bridge that the CNI plugin makes and then fails to finish keeps an invalid address.
ip link add cni0 type bridge
ip link set cni0 address 0a:58:00:00:00:01
ip address add "$REGION_POD_GATEWAY" dev cni0
ip link set cni0 up
# There is no default route: packets to a Service need some route before they are translated. The node's address as
# their source makes kube-proxy masquerade them.
ip route add "$REGION_SERVICE_CIDR" dev cni0 src "${REGION_ADDRESS%/*}"

exec /run/tools/region-agent init /run/region/etc/daemons.json
