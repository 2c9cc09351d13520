"""What scores say: measures, intervals, rankings, and comparisons with a record."""
