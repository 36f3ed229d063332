"""Brings a database back from the archive: to the latest commit, a time or a restore point, or says why it cannot."""
