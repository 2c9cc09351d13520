"""What follows from the results of a finished run beside its leaderboard, as data: no tables, no pictures, no files."""
