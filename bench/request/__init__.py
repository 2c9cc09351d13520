"""From a user's request to a planned run, and its execution."""
