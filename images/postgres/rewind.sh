#!/usr/bin/env bash
# Patroni's pg_rewind. It copies the source's pg_wal as it is, with the marks that say what is archived: in the source's
# bucket, which is another one where a region rewinds to the other region's leader. What this member itself has not seen
# in its own bucket is for its archiver to look at again; otherwise that bucket would have a hole that nobody knows of.
#
# It removes what this member wrote and the source does not have. Where a region was lost, that is all there is of what it
# acknowledged last: WAL that no archive has goes to $PGDATA.set-aside/<time> first. The newest three are kept.
#
# PGDATA  folder of the cluster
set -euo pipefail

# Patroni asks so whether there is one.
if [ "${1-}" = --help ]; then exec pg_rewind --help; fi

status=$PGDATA/pg_wal/archive_status
# Outlives an attempt that was killed half-way, after which the marks are a mixture.
own=$PGDATA.archived

archived() { find "$status" -maxdepth 1 -name '*.done' -printf '%f\n'; }

# A segment or a history: nothing else is asked for by a restore.
counts() { [[ $1 =~ ^([0-9A-F]{24}|[0-9A-F]{8}\.history)$ ]]; }

aside=$PGDATA.set-aside
kept=3

# Not what a checkpoint has put ready for later: such a file still tells where it was used before.
is_begun() {
  local name=${1##*/}
  [ "$(od -An -tu8 -j8 -N8 "$1" | tr -d ' ')" = $((((16#${name:8:8} << 8) + 16#${name:16:8}) << 24)) ]
}

set_aside() {
  local path name size free
  local -a files=()
  for path in "$PGDATA"/pg_wal/*; do
    name=${path##*/}
    if [[ $name =~ ^[0-9A-F]{24}$ ]] && [ ! -e "$status/$name.done" ] && is_begun "$path"; then files+=("$path"); fi
  done
  ((${#files[@]} > 0)) || return 0
  size=$((${#files[@]} << 24))
  free=$(df --output=avail --block-size=1 "$PGDATA" | tail -n 1)
  if ((free < 2 * size)); then
    echo "rewind: WARNING: no room to set ${#files[@]} segments aside that are in no archive" >&2
    return 0
  fi
  # A member that does not come back is worse than WAL that is not kept.
  if ! { rm -rf "$aside/part" && mkdir -p "$aside/part" && cp --preserve=timestamps "${files[@]}" "$aside/part" &&
    sync "$aside"/part/* "$aside/part" && mv "$aside/part" "$aside/$(date -u +%Y%m%dT%H%M%SZ)"; }; then
    rm -rf "$aside/part"
    echo "rewind: WARNING: ${#files[@]} segments that are in no archive could not be set aside" >&2
  fi
}

set_asides() { find "$aside" -mindepth 1 -maxdepth 1 -name '*Z' 2>/dev/null | sort; }

# Nothing of it was removed: there was no need to rewind.
is_needless() {
  local path
  for path in "$1"/*; do
    cmp --quiet "$path" "$PGDATA/pg_wal/${path##*/}" || return 1
  done
}

if [ ! -e "$own" ]; then
  set_aside
  archived >"$own.part"
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
newest=$(set_asides | tail -n 1)
if [ -n "$newest" ]; then
  if is_needless "$newest"; then
    rm -r "$newest"
  else
    echo "rewind: what this member wrote, and no archive has, is in $newest: $(basename --multiple "$newest"/* | tr '\n' ' ')"
  fi
fi
set_asides | head -n "-$kept" | xargs --no-run-if-empty rm -r
rm "$own"
echo "rewind: $count files are to be archived here as well"
