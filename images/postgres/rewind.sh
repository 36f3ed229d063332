#!/usr/bin/env bash
# Patroni's pg_rewind. It copies the source's pg_wal as it is, with the marks that say what is archived: in the source's
# bucket, which is another one where a region rewinds to the other region's leader. What this member itself has not seen
# in its own bucket is for its archiver to look at again; otherwise that bucket would have a hole that nobody knows of.
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

if [ ! -e "$own" ]; then
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
rm "$own"
echo "rewind: $count files are to be archived here as well"
