#!/usr/bin/env bash
# Takes one backup of the database into this region's bucket, checks it, expires what is old, and marks the backup as
# checked: only then it counts. Runs beside the database, without rights in the cluster: it reaches the members'
# pgBackRest servers over TLS and finds out by itself which one writes. No two may run in one region: expiring takes a
# backup that is under way for a remnant.
#
# usage: backup.sh first|full|diff|incr
#        first: a full one, unless the archive has a checked one already
#
# MEMBERS           host names of the region's members, separated by spaces; those that do not answer are left out
# BACKUP_PORT       port of their pgBackRest servers
# PEER_BACKUP       host:port of the other region's leader, asked only when nobody writes in this region
# DEADLINE_SECONDS  how long to wait for another backup that is running
# RESTORE_WINDOW_DAYS, MONTHLY_BACKUPS   see retention.py
# PGDATA, PGHOST    of the members
# TLS_FOLDER        with tls.crt, tls.key and ca.crt
# PGBACKREST_CONFIG, PGBACKREST_CONFIG_INCLUDE_PATH   of the archive to write, the same in every member
set -euo pipefail

# A region that follows makes its stanza with its first segment, which is up to a minute old when it is sent.
stanza_seconds=180

here=$(cd "$(dirname "$0")" && pwd)

say() { echo "backup: $*"; }
fail() {
  echo "backup: $*" >&2
  exit "${2-1}"
}

for name in MEMBERS BACKUP_PORT DEADLINE_SECONDS PGDATA PGHOST TLS_FOLDER PGBACKREST_CONFIG \
  PGBACKREST_CONFIG_INCLUDE_PATH; do
  if [ -z "${!name-}" ]; then
    echo "backup: $name is not set" >&2
    exit 2
  fi
done
case ${1-} in
full | diff | incr) kind=$1 ;;
first) kind=full ;;
*)
  echo "backup: say first, full, diff or incr, got \"${1-}\"" >&2
  exit 2
  ;;
esac

cd "$here"
run_module() { /usr/bin/python3 -c "import sys; from $1 import main; sys.exit(main())"; }

if [ "$1" = first ] && run_module recovery.checked; then
  say "the archive has a full backup already"
  exit 0
fi

output=$(mktemp)
trap 'rm -f "$output"' EXIT

# A member that is gone would cost pgBackRest minutes.
answers() { timeout 2 bash -c "exec 3<>/dev/tcp/$1/$2" 2>/dev/null; }

# What the environment already says of a member stands.
declare_member() {
  local prefix=PGBACKREST_PG$1 host=$2 port=$3
  export "${prefix}_HOST=$host" "${prefix}_HOST_TYPE=tls" "${prefix}_HOST_PORT=$port"
  export "${prefix}_HOST_CERT_FILE=$TLS_FOLDER/tls.crt" "${prefix}_HOST_KEY_FILE=$TLS_FOLDER/tls.key"
  export "${prefix}_HOST_CA_FILE=$TLS_FOLDER/ca.crt" "${prefix}_USER=postgres"
  local setting
  for setting in "HOST_CONFIG=$PGBACKREST_CONFIG" "HOST_CONFIG_INCLUDE_PATH=$PGBACKREST_CONFIG_INCLUDE_PATH" \
    "PATH=$PGDATA" "SOCKET_PATH=$PGHOST"; do
    local variable=${prefix}_${setting%%=*}
    export "$variable=${!variable-${setting#*=}}"
  done
}

run() {
  pgbackrest --stanza=main --log-level-console=info --log-level-file=off "$@" 2>&1 | tee "$output"
}

said() { grep -q "$1" "$output"; }

# Nothing is expired by pgBackRest's own count. Copying from a standby spares the writer; where there is none, it does the work itself.
take() {
  local words=("--type=$kind" --no-expire-auto --repo1-retention-full=9999999 backup)
  run --backup-standby "${words[@]}" && return 0
  if said 'unable to find standby cluster'; then
    say "no standby answers, so that the writing member copies"
    run --no-backup-standby "${words[@]}"
  else
    return 1
  fi
}

# Stays in force for the next attempts.
ask_the_peer() {
  [ -n "${PEER_BACKUP-}" ] || return 1
  [ -z "${peer_asked-}" ] || return 1
  said 'unable to find primary cluster' || return 1
  answers "${PEER_BACKUP%:*}" "${PEER_BACKUP##*:}" ||
    fail "nobody writes in this region, and the other region's leader does not answer at $PEER_BACKUP; a backup needs it to begin and end"
  say "nobody writes in this region; the other region's leader begins and ends the backup"
  declare_member "$((declared + 1))" "${PEER_BACKUP%:*}" "${PEER_BACKUP##*:}"
  peer_asked=yes
}

declared=0
reachable=0
for host in $MEMBERS; do
  declared=$((declared + 1))
  if answers "$host" "$BACKUP_PORT"; then
    declare_member "$declared" "$host" "$BACKUP_PORT"
    reachable=$((reachable + 1))
  else
    say "$host does not answer on port $BACKUP_PORT"
  fi
done
((reachable > 0)) || fail "no member answers: $MEMBERS"

# Two that begin at once and pause alike would meet at every attempt, each with some of the locks.
pause() {
  local milliseconds=$((8000 + RANDOM % 16000))
  sleep "$((milliseconds / 1000)).$(printf %03d $((milliseconds % 1000)))"
}

until take; do
  if said 'LockAcquireError\|unable to acquire pgBackRest advisory lock\|ERROR: \[050\]'; then
    ((SECONDS < DEADLINE_SECONDS)) || fail "another backup has been running for $SECONDS s"
    say "another backup is running; waiting for it"
    pause
  elif said 'has a stanza-create been performed'; then
    ((SECONDS < stanza_seconds)) || fail "the archive has nothing yet after $SECONDS s; see above"
    say "the archive has nothing yet; waiting for the first WAL, with which its stanza is made"
    sleep 5
  else
    ask_the_peer || fail "no $kind backup was taken; see above"
  fi
done

label=$(sed -n 's/.* new backup label = //p' "$output")

# Reading everything back is for the weekly one; the others are checked against their manifest.
if [ "$kind" = full ]; then
  run --output=text --verbose verify || fail "pgbackrest verify did not run to its end"
  said '^status: ok' || fail "pgbackrest verify found damage in the archive; see above"
fi
run_module recovery.manifest || fail "the backup is not complete in the bucket; see above"
run_module retention || fail "the backup is there, but old ones could not be expired; see above"
pgbackrest --stanza=main --log-level-console=warn --log-level-file=off "--set=$label" \
  "--annotation=checked=$(date -u +%FT%TZ)" annotate || fail "the backup is there, but could not be marked as checked"
say "$kind backup taken, checked and in the bucket"
