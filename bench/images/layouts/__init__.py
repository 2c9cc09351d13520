"""One module per layout of data sets on disk; each is an entry point of the group `lineup.layouts`."""
