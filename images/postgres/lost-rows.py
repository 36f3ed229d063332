#!/usr/bin/python3
"""What a restore takes away: see loss/main.py."""

import sys

from loss.main import main

if __name__ == "__main__":
    sys.exit(main())
