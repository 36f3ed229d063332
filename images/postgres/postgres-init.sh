#!/usr/bin/env bash
# Makes the volume ready for the server: a database cluster with data checksums, the application's role and database,
# and the exporter's role. Safe to kill at any moment and to run again; never touches data it does not understand.
#
# PGDATA                  folder of the cluster; created when it is missing or empty
# POSTGRES_DB             name of the application's database
# POSTGRES_USER           name of its owner
# POSTGRES_PASSWORD_FILE  file with the owner's password, in one line
set -euo pipefail

major=15
here=$(cd "$(dirname "$0")" && pwd)

say() { echo "postgres-init: $*"; }
fail() {
  echo "postgres-init: $*" >&2
  exit 1
}

require_name() {
  local variable=$1 value=${!1-}
  [[ $value =~ ^[a-z_][a-z0-9_]{0,62}$ ]] ||
    fail "$variable must be a lower-case name of letters, digits and underscores, at most 63, got \"$value\""
  case $value in
  postgres | exporter | template0 | template1 | pg_*)
    fail "$variable is \"$value\", which is reserved; choose another name" ;;
  esac
}

check_environment() {
  [[ ${PGDATA-} == /*/* ]] || fail "PGDATA must be an absolute path below a volume, got \"${PGDATA-}\""
  require_name POSTGRES_DB
  require_name POSTGRES_USER
  [ "$(id -u)" != 0 ] || fail "Postgres refuses to run as root; run this as the pod's user"
  local file=${POSTGRES_PASSWORD_FILE-}
  [ -n "$file" ] || fail "POSTGRES_PASSWORD_FILE is not set; it names the file with the password of $POSTGRES_USER"
  [ -r "$file" ] || fail "POSTGRES_PASSWORD_FILE: cannot read $file; is the Secret mounted there?"
  APPLICATION_PASSWORD=$(<"$file")
  [ -n "$APPLICATION_PASSWORD" ] || fail "POSTGRES_PASSWORD_FILE: $file is empty"
  [[ $APPLICATION_PASSWORD != *$'\n'* ]] || fail "POSTGRES_PASSWORD_FILE: $file must hold one line"
}

# A cluster appears by rename: a run that was killed leaves only a draft, which the next one throws away.
create_cluster() {
  local draft=$PGDATA.draft
  rm -rf "$draft"
  mkdir -p "$(dirname "$PGDATA")"
  initdb --pgdata="$draft" --username=postgres --data-checksums --encoding=UTF8 --locale=C.UTF-8 \
    --auth-local=peer --auth-host=scram-sha-256 >/dev/null
  mv -T "$draft" "$PGDATA"
  sync "$(dirname "$PGDATA")"
  say "created a database cluster with data checksums"
}

check_cluster() {
  local version
  version=$(<"$PGDATA/PG_VERSION")
  [ "$version" = "$major" ] ||
    fail "$PGDATA was made by Postgres $version, this image runs $major; upgrade the data first (pg_upgrade)"
  ! pg_controldata -D "$PGDATA" | grep -q '^Data page checksum version: *0$' ||
    fail "$PGDATA has no data checksums, so that damage would stay unseen; turn them on with pg_checksums --enable"
}

# The process number in a killed container's lock file may by now belong to something else in this one, or to a dead
# process nobody has waited for: Postgres would take either for a server. Where nothing has the number, Postgres itself judges best.
clear_foreign_lock() {
  local lock=$PGDATA/postmaster.pid pid name state
  [ -e "$lock" ] || return 0
  pid=$(head -n 1 "$lock")
  [ -n "$pid" ] || rm -f "$lock" # Killed while writing it.
  name=$(sed -n 's/^Name:\t//p' "/proc/$pid/status" 2>/dev/null) || return 0
  state=$(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$pid/status" 2>/dev/null) || return 0
  if [ "$name" = postgres ] && [ "$state" != Z ]; then
    fail "a server (process $pid) is running on $PGDATA; stop it first"
  fi
  rm -f "$lock"
}

# Only this script can reach the server: a socket in a folder of its own, no network.
start_server() {
  private=$(mktemp -d)
  trap stop_server EXIT
  echo "local all postgres trust" >"$private/hba.conf"
  postgres -D "$PGDATA" -c listen_addresses= -c unix_socket_directories="$private" -c hba_file="$private/hba.conf" \
    -c archive_mode=off -c default_transaction_read_only=off -c logging_collector=off \
    -c log_min_error_statement=panic -c log_statement=none >"$private/log" 2>&1 &
  server=$!
  until pg_isready -q -h "$private" -d postgres; do
    if ! kill -0 "$server" 2>/dev/null; then
      cat "$private/log" >&2
      fail "the server did not start on $PGDATA"
    fi
    sleep 0.1
  done
}

stop_server() {
  if [ -n "${server-}" ]; then
    kill -INT "$server" 2>/dev/null || true
    wait "$server" || true
  fi
  rm -rf "$private"
}

create_roles() {
  APPLICATION_PASSWORD=$APPLICATION_PASSWORD psql --no-psqlrc --quiet --tuples-only --set=ON_ERROR_STOP=1 \
    --host="$private" --username=postgres --dbname=postgres --file="$here/postgres-init.sql" ||
    fail "cannot create role $POSTGRES_USER and database $POSTGRES_DB"
  say "role $POSTGRES_USER and database $POSTGRES_DB are ready"
}

check_environment
if [ -e "$PGDATA/PG_VERSION" ]; then
  check_cluster
elif [ -n "$(ls -A "$PGDATA" 2>/dev/null)" ]; then
  fail "$PGDATA holds files but no database cluster; look at them and empty the folder by hand"
else
  create_cluster
fi
clear_foreign_lock
start_server
create_roles
