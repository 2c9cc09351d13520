"""What a user may ask of Lineup, with values of Python: the command line and the package `lineup_bench` call it."""
