"""A cluster of Ray as the place of the work of a run: units as values, given out, waited for and merged."""
