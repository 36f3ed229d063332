#!/usr/bin/env bash
# Patroni's replica method "pgbackrest": restores the newest backup of the region's own bucket, else of the other
# region's. Without one exits with 1, and Patroni copies the leader. What is in PGDATA already is used again.
#
# PGBACKREST_*     the region's own bucket; PGBACKREST_CONFIG lies beside pgbackrest-peer.conf
# ARCHIVE_PEER     folder with the secrets of the other bucket; /etc/lifeline/archive/peer without it
set -euo pipefail

peer_config=$(dirname "$PGBACKREST_CONFIG")/pgbackrest-peer.conf
peer_secrets=${ARCHIVE_PEER:-/etc/lifeline/archive/peer}

# --delta would refuse a folder without a cluster in it, and is of no use there.
restore() {
  local delta=()
  [ ! -e "$PGDATA/PG_VERSION" ] || delta=(--delta)
  pgbackrest --stanza=main "${delta[@]}" --type=standby --log-level-console=info "$@" restore
}

if restore; then exit 0; fi
echo "create-replica: the own bucket has no usable backup; trying the other region's" >&2
if restore --config="$peer_config" --config-include-path="$peer_secrets"; then exit 0; fi
echo "create-replica: no bucket has a usable backup; the leader is copied" >&2
exit 1
