"""The structure of each format, and what a file is by its first bytes."""
