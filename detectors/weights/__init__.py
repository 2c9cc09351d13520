"""Files of weights: where they lie, how they are read, and those that ship."""
