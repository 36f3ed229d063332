"""What ends a restore."""


class RefusalError(Exception):
    """Nothing was restored; the message says why and what to do, for whoever reads the log."""
