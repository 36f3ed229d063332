#!/usr/bin/env bash
# archive_command of every member: archive-push.sh PATH FILE pgbackrest. The bucket gets each file once, from the region's
# leader. The last word is there for pgBackRest, which backs up only a server whose command names it.
#
# PGDATA         folder of the cluster
# TLS_FOLDER     the database's certificate, by which Patroni is asked whether this member leads
# PATRONI_API    https://localhost:8008 without it
# PGBACKREST_*   the region's own bucket
set -euo pipefail

path=$1
file=$2
stanza=main
missing_stanza=103 # No repository can take the file: mostly because nobody has made the stanza yet.

say() { echo "archive-push: $*" >&2; }

# Segments as numbers: 256 of 16 MiB make one of the file name's middle parts.
segment_of_file() { echo $(((16#${1:8:8} << 8) + 16#${1:16:8})); }
segment_of_lsn() {
  local low=00000000${1#*/}
  echo $(((16#${1%/*} << 8) + 16#${low: -8:2}))
}

# A timeline's last segment, cut short by a switch, differs between the nodes that lived through it, and the bucket
# takes only one of them: an archiver that insisted would stand still for ever. The next timeline's segment of the same
# number holds all that counts.
is_superseded() {
  [[ $file =~ ^[0-9A-F]{24}$ ]] || return 1
  local newest segment parent lsn
  newest=$(find "$PGDATA/pg_wal" -maxdepth 1 -name '????????.history' | sort | tail -n 1)
  [ -n "$newest" ] || return 1
  segment=$(segment_of_file "$file")
  while read -r parent lsn _; do
    [[ $lsn == */* ]] || continue
    if [ "$parent" = $((16#${file:0:8})) ] && ((segment >= $(segment_of_lsn "$lsn"))); then return 0; fi
  done <"$newest"
  return 1
}

# By Patroni's own clock, so that a leader that was cut off stops in time. Where Patroni is not up yet and the cluster
# is no standby's, it is Patroni that runs this, to save a dead leader's last segments.
is_leader() {
  local status
  status=$(curl --silent --max-time 4 --cacert "$TLS_FOLDER/ca.crt" --output /dev/null --write-out '%{http_code}' \
    "${PATRONI_API:-https://localhost:8008}/leader") || true
  [ "$status" = 200 ] || { [ "$status" = 000 ] && [ ! -e "$PGDATA/standby.signal" ]; }
}

is_in_bucket() {
  local folder=archive/$stanza/15-1 name=$file found
  if [[ $file =~ ^[0-9A-F]{24}$ ]]; then
    folder+=/${file:0:16}
    name+=- # The digest of its content follows.
  fi
  found=$(pgbackrest --stanza=$stanza --log-level-console=off repo-ls "$folder" --filter="^$name") || return 1
  [ -n "$found" ]
}

# The bucket began later, or has expired that much: no restore from it asks for this one. A follower that was copied from
# another member than its leader has segments that the leader never had; it would wait for ever, and fill its volume.
is_before_the_bucket() {
  local info oldest
  [[ $file =~ ^[0-9A-F]{24}$ ]] || return 1
  info=$(pgbackrest --stanza=$stanza --log-level-console=off info) || return 1
  [[ $info =~ wal\ archive\ min/max\ \([0-9]+\):\ ([0-9A-F]{24})/ ]] || return 1
  oldest=${BASH_REMATCH[1]}
  (($(segment_of_file "$file") < $(segment_of_file "$oldest")))
}

push() { pgbackrest --stanza=$stanza archive-push "$path"; }

# A region that follows makes no cluster of its own, so that nothing else makes its stanza; and S3 may have been away
# when the leader's should have been made.
push_with_stanza() {
  local code=0
  push || code=$?
  [ "$code" = "$missing_stanza" ] || return "$code"
  say "$file was not taken; making sure of the stanza"
  pgbackrest --stanza=$stanza --no-online stanza-create || return
  push
}

# Labels of backups, and a timeline's last, incomplete segment: no restore asks for them, and a member that led for a
# moment may be the only one that has them.
is_dispensable() { [[ $file =~ ^[0-9A-F]{24}\.(.*\.backup|partial)$ ]]; }

if is_superseded; then
  say "$file ends after its timeline was left: the next timeline's holds what counts"
elif is_leader; then
  push_with_stanza
elif ! is_dispensable && ! is_in_bucket && ! is_before_the_bucket; then
  say "$file is for the leader to archive, and is not in the bucket yet"
  exit 1
fi
