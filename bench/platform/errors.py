"""Faults of the input, in one line: what was asked, what was found, what to do."""


class InputError(Exception):
    """Something the user gave cannot be used. The command line prints the message and exits with 2."""


class DiskFull(InputError, OSError):
    """A file cannot be written for want of room: an `OSError` too, for those who go on without the file."""
