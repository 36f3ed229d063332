#!/usr/bin/env bash
# commits.sh SECONDS CLIENTS FOLDER: small commits as fast as the server takes them, in a member that leads. FOLDER is made,
# and removed afterwards. Prints a line per commit, `commit MICROSECONDS`, and a line per second and follower,
# `lag NAME SECONDS BYTES`, both as the leader sees them.
set -euo pipefail
seconds=$1 clients=$2 folder=$3
database=(--username=postgres "${POSTGRES_DB:?}")
ask=(psql --no-psqlrc --tuples-only --no-align --quiet --set=ON_ERROR_STOP=1)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder"

"${ask[@]}" "${database[@]}" --command='CREATE TABLE IF NOT EXISTS measured_commits (number bigint)'
echo 'INSERT INTO measured_commits VALUES (:client_id);' >"$folder/commit.sql"
pgbench --no-vacuum --client="$clients" --time="$seconds" --file="$folder/commit.sql" \
    --log --log-prefix="$folder/times" "${database[@]}" >"$folder/said" 2>&1 &
load=$!
while kill -0 "$load" 2>/dev/null; do
    sleep 1
    "${ask[@]}" --field-separator=' ' "${database[@]}" --command="
        SELECT 'lag', application_name, coalesce(extract(epoch FROM replay_lag), 0),
               pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)
        FROM pg_stat_replication WHERE replay_lsn IS NOT NULL"
done
if ! wait "$load"; then
    cat "$folder/said" >&2
    exit 1
fi
awk '{ print "commit", $3 }' "$folder"/times.*
"${ask[@]}" "${database[@]}" --command='DROP TABLE measured_commits'
