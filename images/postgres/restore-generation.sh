#!/usr/bin/env bash
# Patroni's bootstrap method of a restored generation: see recovery/generation.py, which says what it needs.
#
# usage: restore-generation.sh [--check]
#        --check: only says whether the restore can be made
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cd "$here"
exec /usr/bin/python3 -c 'import sys; from recovery.generation import main; sys.exit(main())' "$@"
