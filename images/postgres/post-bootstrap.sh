#!/usr/bin/env bash
# Patroni's post_bootstrap, on a cluster that was just made and takes no clients yet: its roles, the application's
# database with the operators' schema, and the stanza in the region's bucket. A failure makes Patroni start over.
#
# GENERATION              of the data
# POSTGRES_DB             name of the application's database
# POSTGRES_USER           name of its owner
# POSTGRES_PASSWORD_FILE  file with the owner's password, in one line
# PGHOST                  folder of the server's socket
# PGBACKREST_*            the region's own bucket
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
foreign_stanza=28 # The bucket belongs to another database cluster.

fail() {
  echo "post-bootstrap: $*" >&2
  exit 1
}

require_name() {
  local variable=$1 value=${!1-}
  [[ $value =~ ^[a-z_][a-z0-9_]{0,62}$ ]] ||
    fail "$variable must be a lower-case name of letters, digits and underscores, at most 63, got \"$value\""
  case $value in
  postgres | exporter | replicator_* | rewinder_* | template0 | template1 | pg_*)
    fail "$variable is \"$value\", which is reserved; choose another name" ;;
  esac
}

check_environment() {
  require_name POSTGRES_DB
  require_name POSTGRES_USER
  local file=${POSTGRES_PASSWORD_FILE-} password
  [ -n "$file" ] || fail "POSTGRES_PASSWORD_FILE is not set; it names the file with the password of $POSTGRES_USER"
  [ -r "$file" ] || fail "POSTGRES_PASSWORD_FILE: cannot read $file; is the Secret mounted there?"
  password=$(<"$file")
  [ -n "$password" ] || fail "POSTGRES_PASSWORD_FILE: $file is empty"
  [[ $password != *$'\n'* ]] || fail "POSTGRES_PASSWORD_FILE: $file must hold one line"
}

run_sql() {
  psql --no-psqlrc --quiet --tuples-only --set=ON_ERROR_STOP=1 --username=postgres --dbname="$1" --file="$here/$2" ||
    fail "$2 failed"
}

# Neither WAL nor a backup, only what stanza-create writes.
archive_is_empty() {
  local files name
  files=$(pgbackrest --log-level-console=off repo-ls --recurse archive/main) &&
    files+=$'\n'$(pgbackrest --log-level-console=off repo-ls --recurse backup/main) || return 1
  while read -r name; do
    case $name in
    '' | archive.info | archive.info.copy | backup.info | backup.info.copy) ;;
    *) return 1 ;;
    esac
  done <<<"$files"
}

# A bucket that is away holds nobody up: archive-push.sh makes the stanza when it comes.
create_stanza() {
  local code=0
  pgbackrest --stanza=main stanza-create || code=$?
  if [ "$code" = "$foreign_stanza" ] && archive_is_empty; then
    echo "post-bootstrap: the stanza of another database cluster holds nothing: that one was never finished; replacing it" >&2
    pgbackrest repo-rm --recurse archive/main
    pgbackrest repo-rm --recurse backup/main
    code=0
    pgbackrest --stanza=main stanza-create || code=$?
  fi
  case $code in
  0) ;;
  "$foreign_stanza")
    fail "the bucket holds the archive of another database cluster under this generation's path: either restore from" \
      "it (a new generation with \"from\"), or empty that path after making sure that nobody needs it"
    ;;
  *) echo "post-bootstrap: no stanza yet (exit code $code); the archiver makes it" >&2 ;;
  esac
}

check_environment
create_stanza
run_sql postgres roles.sql
run_sql "$POSTGRES_DB" lifeline-schema.sql
echo "post-bootstrap: role $POSTGRES_USER, database $POSTGRES_DB and the archive are ready"
