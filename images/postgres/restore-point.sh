#!/usr/bin/env bash
# Marks the moment before a migration, so that the database can be brought back to it by name, and returns when the
# mark is in the archive. A name that was marked before stays where it is.
#
# usage: restore-point.sh NAME ...
#
# DATABASE_HOST, DATABASE_PORT, DATABASE_NAME, DATABASE_USER, DATABASE_PASSWORD_FILE, PGSSLMODE, PGSSLROOTCERT
# DEADLINE_SECONDS   longest wait for this region's archive
# PEER_POSTGRES      host:port of the other region's leader; its archive is waited for 60 seconds, then it is a warning
set -euo pipefail

peer_seconds=60

for name in DATABASE_HOST DATABASE_PORT DATABASE_NAME DATABASE_USER DATABASE_PASSWORD_FILE DEADLINE_SECONDS; do
  if [ -z "${!name-}" ]; then
    echo "restore-point: $name is not set" >&2
    exit 2
  fi
done
if (($# == 0)); then
  echo "restore-point: at least one name is needed" >&2
  exit 2
fi
for point; do
  if ! [[ $point =~ ^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$ ]]; then
    echo "restore-point: a name has at most 63 letters, digits, dots, dashes and underscores, got \"$point\"" >&2
    exit 2
  fi
done

PGPASSWORD=$(<"$DATABASE_PASSWORD_FILE")
export PGPASSWORD PGCONNECT_TIMEOUT=3 PGOPTIONS="-c statement_timeout=10s"

# Reads the statement from standard input, where psql replaces its variables.
ask() {
  local host=$1 port=$2
  shift 2
  psql --no-psqlrc --no-password --quiet --tuples-only --no-align --field-separator=' ' --set=ON_ERROR_STOP=1 \
    --host="$host" --port="$port" --username="$DATABASE_USER" --dbname="$DATABASE_NAME" "$@"
}

archived() {
  [ "$(ask "$1" "$2" --set="wal=$wal" <<<"SELECT lifeline.archived(:'wal')" 2>&1)" = t ]
}

for point; do
  until made=$(ask "$DATABASE_HOST" "$DATABASE_PORT" --set="point=$point" \
    <<<"SELECT lsn, wal FROM lifeline.create_restore_point(:'point')" 2>&1); do
    if ((SECONDS >= DEADLINE_SECONDS)); then
      echo "restore-point: cannot make the restore point $point: $made" >&2
      exit 1
    fi
    sleep 1
  done
  wal=${made##* }
  echo "restore-point: $point is at ${made%% *} in $wal"
done

until archived "$DATABASE_HOST" "$DATABASE_PORT"; do
  if ((SECONDS >= DEADLINE_SECONDS)); then
    echo "restore-point: $wal is not in this region's archive after $SECONDS s; without it there is no way back to $point" >&2
    exit 1
  fi
  sleep 1
done
echo "restore-point: $wal is in this region's archive"

[ -n "${PEER_POSTGRES-}" ] || exit 0
end=$((SECONDS + peer_seconds < DEADLINE_SECONDS ? SECONDS + peer_seconds : DEADLINE_SECONDS))
until archived "${PEER_POSTGRES%:*}" "${PEER_POSTGRES##*:}"; do
  if ((SECONDS >= end)); then
    echo "restore-point: WARNING: $wal is not in the other region's archive yet; should this region be lost now, $point is too" >&2
    exit 0
  fi
  sleep 1
done
echo "restore-point: $wal is in the other region's archive"
