"""What every column of every table means: data that `lineup explain` and docs/numbers.md show."""
