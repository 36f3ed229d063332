#!/usr/bin/python3
"""
Patroni's pre_promote: exits with 0 only when this region may write. Nothing else stands between two regions that both
believe they are the one. See promotion/verdict.py for the rules.

PGDATA, PGHOST, POSTGRES_DB, REGION, TLS_FOLDER
PEER_API       https://host:port of any member of the other region's Patroni
PEER_POSTGRES  host:port of the other region's leader
PROMOTE_ALONE  "true": an unreachable other region is taken for lost, whatever this pod remembers
"""

import sys

from promotion.main import main

if __name__ == "__main__":
    sys.exit(main())
