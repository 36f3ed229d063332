#!/usr/bin/python3
"""
Starts Patroni with the arguments given, after tidying up what a member left behind that was killed while it made the
database cluster. See beginning/rule.py for what counts as that.

PGDATA                        folder of the cluster; beside it lies what the agent keeps
GENERATION                    number of the generation, by which its objects are named
POD_NAME                      this member
PATRONI_KUBERNETES_NAMESPACE  where Patroni keeps its state
"""

import os
import sys

from beginning.main import tidy

if __name__ == "__main__":
    tidy(os.environ)
    os.execvp("patroni", ["patroni", *sys.argv[1:]])
