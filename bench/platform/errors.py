"""Faults of the input, in one line: what was asked, what was found, what to do."""


class InputError(Exception):
    """Something the user gave cannot be used. The command line prints the message and exits with 2."""
