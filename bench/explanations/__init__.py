"""What every column of every table means: data that `lineup explain` and docs/reference/columns.md show."""
