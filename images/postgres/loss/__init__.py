"""What a generation of the data has that the one restored from its archive has not."""
