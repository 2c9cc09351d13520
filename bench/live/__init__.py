"""A run that goes on, or has finished, as a page on this machine alone: its state, the page, and the server."""
