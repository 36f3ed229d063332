#!/usr/bin/env bash
# Returns when the database behind the client's address accepts writes.
#
# DATABASE_HOST, DATABASE_PORT, DATABASE_NAME, DATABASE_USER, DATABASE_PASSWORD_FILE, PGSSLMODE, PGSSLROOTCERT
# DEADLINE_SECONDS   longest wait
set -euo pipefail

for name in DATABASE_HOST DATABASE_PORT DATABASE_NAME DATABASE_USER DATABASE_PASSWORD_FILE DEADLINE_SECONDS; do
  if [ -z "${!name-}" ]; then
    echo "writable: $name is not set" >&2
    exit 2
  fi
done

PGPASSWORD=$(<"$DATABASE_PASSWORD_FILE")
export PGPASSWORD PGCONNECT_TIMEOUT=3 PGOPTIONS="-c statement_timeout=5s"

# libpq itself asks whether the session may write, and refuses it otherwise.
accepts_writes() {
  psql --no-psqlrc --no-password --quiet --tuples-only --no-align --command="SELECT 1" \
    "host=$DATABASE_HOST port=$DATABASE_PORT user=$DATABASE_USER dbname=$DATABASE_NAME target_session_attrs=read-write" 2>&1
}

until said=$(accepts_writes); do
  if ((SECONDS >= DEADLINE_SECONDS)); then
    echo "writable: after $SECONDS s the database does not accept writes: $said" >&2
    exit 1
  fi
  sleep 1
done
echo "writable: the database accepts writes after $SECONDS s"
