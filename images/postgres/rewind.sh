#!/usr/bin/env bash
# Patroni's pg_rewind. It copies the source's pg_wal as it is, with the marks that say what is archived: in the source's
# bucket, which is another one where a region rewinds to the other region's leader. What this member itself has not seen
# in its own bucket is for its archiver to look at again; otherwise that bucket would have a hole that nobody knows of.
#
# pg_rewind removes what this member wrote and the source does not have. Where a region was lost, that is all there is of
# what it acknowledged last: a region that follows copies it to $PGDATA.set-aside/<time> first, and keeps the newest three.
#
# PGDATA       folder of the cluster
# TLS_FOLDER   the database's certificate, by which Patroni is asked whether this region follows
# PATRONI_API  https://localhost:8008 without it
set -euo pipefail

# Patroni asks so whether there is one.
if [ "${1-}" = --help ]; then exec pg_rewind --help; fi

status=$PGDATA/pg_wal/archive_status
# Outlives an attempt that was killed half-way, after which the marks are a mixture.
own=$PGDATA.archived
aside=$PGDATA.set-aside
kept=3

say() { echo "rewind: $*" >&2; }

# Which state of the data an attempt began with: pg_rewind writes the control file at its end.
beginning() { LC_ALL=C pg_controldata "$PGDATA" | grep -E "^Latest checkpoint('s TimeLineID| location):"; }

archived() { find "$status" -maxdepth 1 -name '*.done' -printf '%f\n'; }

# A segment or a history: nothing else is asked for by a restore.
counts() { [[ $1 =~ ^([0-9A-F]{24}|[0-9A-F]{8}\.history)$ ]]; }

segment_of_file() { echo $(((16#${1:8:8} << 8) + 16#${1:16:8})); }
segment_of_lsn() {
  local low=00000000${1#*/}
  echo $(((16#${1%/*} << 8) + 16#${low: -8:2}))
}

# Inside a region nothing that was acknowledged is only on the member that is rewound.
follows() {
  local config
  config=$(curl --silent --max-time 4 --cacert "${TLS_FOLDER-}/ca.crt" "${PATRONI_API:-https://localhost:8008}/config") ||
    return 0
  [[ $config == *standby_cluster* ]]
}

# Not what a checkpoint has put ready for later: such a file still tells where it was used before.
is_begun() {
  [ "$(od -An -tu8 -j8 -N8 "$1" | tr -d ' ')" = $(($(segment_of_file "${1##*/}") << 24)) ]
}

# Never fails: a member that does not come back is worse than WAL that is not kept.
set_aside() {
  local fork path name size free folder
  local -a files=()
  fork=$(LC_ALL=C pg_rewind --dry-run "$@" 2>&1 | sed -n 's,.*servers diverged at WAL location \([0-9A-F]*/[0-9A-F]*\) .*,\1,p')
  [ -n "$fork" ] || return 0
  for path in "$PGDATA"/pg_wal/*; do
    name=${path##*/}
    if [[ $name =~ ^[0-9A-F]{24}$ ]] && (($(segment_of_file "$name") >= $(segment_of_lsn "$fork"))) && is_begun "$path"; then
      files+=("$path")
    fi
  done
  ((${#files[@]} > 0)) || return 0
  size=$((${#files[@]} << 24))
  free=$(df --output=avail --block-size=1 "$PGDATA" | tail -n 1)
  if ((free < 2 * size)); then
    say "WARNING: no room to set aside ${#files[@]} segments from $fork on, which only this member may have"
    return 0
  fi
  folder=$aside/$(date -u +%Y%m%dT%H%M%SZ)
  if rm -rf "$aside/part" && mkdir -p "$aside/part" && cp --preserve=timestamps "${files[@]}" "$aside/part" &&
    sync "$aside"/part/* "$aside/part" && mv "$aside/part" "$folder"; then
    say "what this member wrote from $fork on is in $folder: $(basename --multiple "$folder"/* | tr '\n' ' ')"
    find "$aside" -mindepth 1 -maxdepth 1 -name '*Z' | sort | head -n "-$kept" | while read -r path; do
      say "removing $path: $kept newer ones are kept"
      rm -r "$path"
    done
  else
    rm -rf "$aside/part"
    say "WARNING: ${#files[@]} segments from $fork on, which only this member may have, could not be set aside"
  fi
}

begun=$(beginning)
if [ "$(head -n 2 "$own" 2>/dev/null)" != "$begun" ]; then
  if follows; then set_aside "$@" || say "WARNING: what only this member may have could not be set aside"; fi
  { echo "$begun" && archived; } >"$own.part"
  mv "$own.part" "$own"
fi
pg_rewind "$@"
declare -A seen
while read -r mark; do seen[$mark]=yes; done <"$own"
count=0
while read -r mark; do
  name=${mark%.done}
  if counts "$name" && [ -z "${seen[$mark]-}" ]; then
    mv "$status/$mark" "$status/$name.ready"
    count=$((count + 1))
  fi
done < <(archived)
sync "$status"
rm "$own"
say "$count files are to be archived here as well"
