#!/usr/bin/env bash
# Asks database, backend and frontend from inside the cluster whether this release works. Repeats each check until it
# passes or the time is up; says ok or FAILED for every one; exit code 0 only when all passed.
#
# DATABASE_HOST, DATABASE_PORT, DATABASE_NAME, DATABASE_USER, DATABASE_PASSWORD_FILE
# BACKEND_URL, FRONTEND_URL   such as http://backend:3000
# RELEASE_VERSION             release that must answer
# SCHEMA_MIN, SCHEMA_MAX      schema versions it runs on
# FORBIDDEN_ADDRESSES         host:port of what listens, but is kept from this pod by network policies
# DEADLINE_SECONDS            time for all checks together
set -euo pipefail

for name in DATABASE_HOST DATABASE_PORT DATABASE_NAME DATABASE_USER DATABASE_PASSWORD_FILE BACKEND_URL FRONTEND_URL \
  RELEASE_VERSION SCHEMA_MIN SCHEMA_MAX FORBIDDEN_ADDRESSES DEADLINE_SECONDS; do
  if [ -z "${!name-}" ]; then
    echo "smoke: $name is not set" >&2
    exit 2
  fi
done
for name in SCHEMA_MIN SCHEMA_MAX DEADLINE_SECONDS; do
  if ! [[ ${!name} =~ ^[0-9]+$ ]]; then
    echo "smoke: $name must be a whole number, got \"${!name}\"" >&2
    exit 2
  fi
done

# Checks write what they saw, good or bad, as their only output.
schema_in_window() {
  local version
  version=$(PGPASSWORD=$(<"$DATABASE_PASSWORD_FILE") PGCONNECT_TIMEOUT=3 psql --no-psqlrc --no-password --tuples-only \
    --no-align --host="$DATABASE_HOST" --port="$DATABASE_PORT" --username="$DATABASE_USER" --dbname="$DATABASE_NAME" \
    --command="SELECT coalesce(max(version), 0) FROM schema_migrations" 2>&1) || {
    echo "$version"
    return 1
  }
  echo "schema version $version, allowed $SCHEMA_MIN to $SCHEMA_MAX"
  ((version >= SCHEMA_MIN && version <= SCHEMA_MAX))
}

answers() {
  local url=$1 reply status
  reply=$(curl --silent --show-error --max-time 3 --write-out '\n%{http_code}' "$url" 2>&1) || {
    echo "${reply%%$'\n'*}"
    return 1
  }
  status=${reply##*$'\n'}
  body=${reply%$'\n'*}
  echo "$url answered $status: ${body:0:200}"
  [ "$status" = 200 ]
}

backend_ready() { answers "$BACKEND_URL/readyz"; }
frontend_ready() { answers "$FRONTEND_URL/readyz"; }

backend_release() {
  local seen release
  seen=$(answers "$BACKEND_URL/api/health") || {
    echo "$seen"
    return 1
  }
  release=$(sed -n 's/.*"release" *: *"\([^"]*\)".*/\1/p' <<<"$seen")
  echo "release ${release:-not named}, expected $RELEASE_VERSION"
  [ "$release" = "$RELEASE_VERSION" ]
}

# A cluster accepts network policies whether or not anything in it enforces them; only a connection shows which.
policies_enforced() {
  local reached
  reached=$(
    for address in $FORBIDDEN_ADDRESSES; do
      (connects "${address%:*}" "${address##*:}" && echo "$address") &
    done
    wait
  )
  if [ -n "$reached" ]; then
    echo "reached ${reached//$'\n'/, }, which they forbid: this cluster does not enforce them. Fix: on EKS, turn on" \
      "enableNetworkPolicy of the VPC CNI; elsewhere, use a network plugin that enforces policies"
    return 1
  fi
  echo "out of reach: ${FORBIDDEN_ADDRESSES// /, }"
}

# Refused and dropped are the same here. The inner shell takes host and port as its arguments.
# shellcheck disable=SC2016
connects() { timeout 2 bash -c '</dev/tcp/"$0"/"$1"' "$1" "$2" 2>/dev/null; }

check() {
  local title=$1 seen
  shift
  until seen=$("$@"); do
    if ((SECONDS >= DEADLINE_SECONDS)); then
      echo "FAILED $title: $seen"
      failed=$((failed + 1))
      return 0
    fi
    sleep 1
  done
  echo "ok     $title: $seen"
}

failed=0
check "schema in window" schema_in_window
check "backend ready" backend_ready
check "backend release" backend_release
check "frontend ready" frontend_ready
check "network policies" policies_enforced
if ((failed > 0)); then
  echo "smoke: $failed of 5 checks failed" >&2
  exit 1
fi
