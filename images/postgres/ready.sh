#!/usr/bin/env bash
# Readiness of a member: Patroni calls it fit to be used, and the agent knows of nothing in its data that the cluster
# does not have.
#
# TLS_FOLDER      the database's certificate
# PATRONI_API     https://localhost:8008 without it
# STATE_FOLDER    where the agent says so; /run/lifeline without it
set -euo pipefail

state=${STATE_FOLDER:-/run/lifeline}
if [ -e "$state/diverged" ]; then
  echo "ready: diverged: $(<"$state/diverged")"
  exit 1
fi
curl --silent --show-error --fail --max-time 3 --cacert "$TLS_FOLDER/ca.crt" --output /dev/null \
  "${PATRONI_API:-https://localhost:8008}/readiness"
