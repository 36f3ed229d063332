#!/usr/bin/python3
"""Watches one member of the database: see agent/main.py."""

import sys

from agent.main import main

if __name__ == "__main__":
    sys.exit(main())
