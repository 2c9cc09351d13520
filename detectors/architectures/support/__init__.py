"""What networks of all kinds need: torch's precision and threads, forward passes, initial weights."""
