"""The record of a run: the schema of its files, and the only module that writes them."""
