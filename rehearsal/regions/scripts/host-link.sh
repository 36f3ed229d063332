#!/usr/bin/env bash
# host-link.sh HOLDER LINK ADDRESS/PREFIX: gives this machine its one link to the regions' network.
set -euo pipefail
holder=$1
link=$2
address=$3

ip link del "$link" 2>/dev/null || true
ip link add "$link" type veth peer name host netns "$holder"
nsenter -t "$holder" -n ip link set host master wan up
ip address add "$address" dev "$link"
ip link set "$link" up
