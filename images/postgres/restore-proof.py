#!/usr/bin/python3
"""The weekly restore proof: see proof/ladder.py."""

import sys

from proof.ladder import main

if __name__ == "__main__":
    sys.exit(main())
