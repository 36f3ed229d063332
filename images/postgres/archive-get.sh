#!/usr/bin/env bash
# restore_command of every member: archive-get.sh FILE PATH. From the region's own bucket, else from the other region's.
# An S3 server that is away costs a second, and is then left alone for a while: recovery, and with it every promotion,
# waits for this.
#
# PGBACKREST_*     the region's own bucket; PGBACKREST_CONFIG lies beside pgbackrest-peer.conf
# ARCHIVE_PEER     folder with the secrets of the other bucket; /etc/lifeline/archive/peer without it
# TMPDIR           where a failure is remembered; /tmp without it
set -euo pipefail

file=$1
path=$2
peer_config=$(dirname "$PGBACKREST_CONFIG")/pgbackrest-peer.conf
peer_secrets=${ARCHIVE_PEER:-/etc/lifeline/archive/peer}
probe_seconds=1
memory_seconds=15
get_seconds=20
# Each promotion asks for histories that nobody has.
history_seconds=5

# Host and port of the repository's S3 server; nothing for a repository on disk.
server_of() { sed -n 's/^repo1-s3-endpoint *= *//p' "$1"; }

is_away() {
  local server mark now age
  server=$(server_of "$1")
  [ -n "$server" ] || return 1
  [[ $server == *:* ]] || server+=:443
  mark=${TMPDIR:-/tmp}/s3-away.${server//[^A-Za-z0-9.-]/_}
  now=$(date +%s)
  # Younger than now: the clock was set back.
  if [ -e "$mark" ] && age=$((now - $(stat -c %Y "$mark"))) && ((age >= 0 && age < memory_seconds)); then return 0; fi
  if timeout "$probe_seconds" bash -c "</dev/tcp/${server%:*}/${server##*:}" 2>/dev/null; then return 1; fi
  touch "$mark"
}

get() {
  local limit=$get_seconds
  [[ $file != *.history ]] || limit=$history_seconds
  timeout "$limit" pgbackrest --stanza=main "$@" archive-get "$file" "$path"
}

if ! is_away "$PGBACKREST_CONFIG" && get; then exit 0; fi
if ! is_away "$peer_config" && get --config="$peer_config" --config-include-path="$peer_secrets"; then
  echo "archive-get: $file came from the other region's bucket" >&2
  exit 0
fi
# Never more than 125: Postgres would take that for an order to stop.
exit 1
