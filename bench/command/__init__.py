"""The command line: one module per command, and what is printed."""
